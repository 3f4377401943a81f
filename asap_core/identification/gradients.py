"""I1 by gradients: the published rule, its signed form, and complete gradients. One backward pass a target.

paper              mean over heads of (A dy/dA)+ in the last block, [CLS]'s row; or rolled out over all blocks:
                   R <- R + that R (Chefer, Gur and Wolf 2021, arXiv 2103.15679). Never negative, not additive.
signed_attention   the sum over heads of A dy/dA in the last block, [CLS]'s row: additive, nothing clamped
libra              LibraGrad averaged over blocks: token times gradient with attention, the deviations of LayerNorm,
                   the gate of the activation and the two norms held fixed (LibraGrad, arXiv 2411.16760), so that the
                   sum at a block's input and the biases behind it make the value. The mean over the inputs of all
                   blocks is ours, not the paper's; maps of a trunk are as in `direct`
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..learning.detector import Detector
from ..learning.encoder import Encoder
from ..learning.moments import exact
from . import attention
from .direct import Pass, deviation_of
from .targets import Linear, Target, TokenMaps, check, passes


def paper(
    encoder: Encoder,
    detector: Detector,
    images: Tensor,
    targets: Sequence[Target],
    blocks: int | None = 1,
) -> TokenMaps:
    """Prepared images (n, 3, s, s) -> maps by the published rule over the last `blocks`, None for all of them."""

    def rolled(weights: list[Tensor], gradients: Sequence[Tensor]) -> Tensor:
        chosen = list(zip(weights, gradients, strict=True))[-blocks if blocks else 0 :]
        rows = torch.eye(weights[0].shape[-1], device=images.device).to(weights[0])
        for attended, gradient in chosen:
            rows = rows + (attended * gradient).clamp(min=0).mean(1) @ rows
        return rows[:, 0, 1:]

    return _by_attention(encoder, detector, images, targets, rolled)


def signed_attention(encoder: Encoder, detector: Detector, images: Tensor, targets: Sequence[Target]) -> TokenMaps:
    """Prepared images (n, 3, s, s) -> maps by attention times gradient in the last block."""

    def signed(weights: list[Tensor], gradients: Sequence[Tensor]) -> Tensor:
        return (weights[-1] * gradients[-1]).sum(1)[:, 0, 1:]

    return _by_attention(encoder, detector, images, targets, signed)


def _by_attention(
    encoder: Encoder,
    detector: Detector,
    images: Tensor,
    targets: Sequence[Target],
    rule: Callable[[list[Tensor], Sequence[Tensor]], Tensor],
) -> TokenMaps:
    """Maps by a rule from every block's attention (n, heads, 1 + t, 1 + t) and a target's gradient there."""
    visual = check(encoder)
    linear = Linear.of(detector, targets, exact(next(visual.parameters())))
    found: list[TokenMaps] = []
    weights: list[Tensor] = []

    def heard(_: int, attended: Tensor, __: Tensor) -> None:
        weights.append(attended.requires_grad_())

    for some in passes(encoder, images):
        weights.clear()
        with torch.enable_grad(), attention.recording(list(visual.transformer.resblocks), heard, whole=True):
            joint, everything = encoder.tower.read(some, encoder.layers == "all")
            values, _ = linear.values(exact(joint if everything is None else everything))  # (n, T)
        maps = []
        for target in range(values.shape[1]):
            gradients = torch.autograd.grad(
                values[:, target].sum(), weights, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            maps.append(rule([each.detach() for each in weights], gradients).unflatten(1, encoder.grid))
        laid, values = torch.stack(maps, 1), values.detach()
        total = laid.sum((2, 3))
        found.append(TokenMaps(laid, values - total, values, total[..., None]))
    return TokenMaps.joined(found)


def libra(encoder: Encoder, detector: Detector, images: Tensor, targets: Sequence[Target]) -> TokenMaps:
    """Prepared images (n, 3, s, s) -> maps by LibraGrad averaged over blocks; the average is ours."""
    return TokenMaps.joined([_libra(Pass(encoder, detector, targets), some) for some in passes(encoder, images)])


def _libra(direct: Pass, images: Tensor) -> TokenMaps:
    with torch.no_grad():
        values = direct.run(images).values
    entered: list[Tensor] = []
    left: list[Tensor] = []

    def enter(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        entered.append(given[0].clone().requires_grad_() if given[0].is_leaf else given[0].clone())
        return (entered[-1], *given[1:])  # a copy: what is read from the block before does not count here

    hooks = [block.register_forward_pre_hook(enter) for block in direct.resblocks]
    hooks += [block.register_forward_hook(lambda _, __, out: left.append(out)) for block in direct.resblocks]
    try:
        with torch.enable_grad(), fixed(direct.resblocks):
            direct.tower.joint(images)
            read = _read(direct, left)
            # A block's reading is explained by every block's input up to its own: each counts for its share.
            shared = torch.stack([part / (number + 1) for number, part in read.items()]).sum(0)  # (n, T)
    finally:
        for hook in hooks:
            hook.remove()
    parts = direct.parts.clone()
    parts[:, :, direct.first :] = 0  # (n, T, blocks, g, g): the trunk's stay
    for target in range(shared.shape[1]):
        gradients = torch.autograd.grad(
            shared[:, target].sum(), entered, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        for number, (tokens, gradient) in enumerate(zip(entered, gradients, strict=True)):
            said = (tokens * gradient).sum(2)[:, 1:].detach()  # (n, t)
            parts[:, target, direct.first + number] = exact(said).unflatten(1, direct.grid)
    maps = parts.sum(2)
    return TokenMaps(maps, values - maps.sum((2, 3)), values, parts.sum((3, 4)))


def _read(direct: Pass, left: Sequence[Tensor]) -> dict[int, Tensor]:
    """What the values take from each block's output (n, 1 + t, w): block -> (n, T), linear in the tokens."""
    if not direct.everything:
        return {len(left) - 1: direct.pooled(left[-1]) @ direct.last.T / direct.size}
    found = {}
    for number, output in enumerate(left):
        tokens = output[:, 1:]
        centred = (tokens - tokens.mean(1, keepdim=True)).detach()
        deviation = centred.square().mean(1).sqrt().clamp(min=1e-12)
        spread = (centred * tokens).mean(1) / deviation  # the deviation, as a sum over tokens
        reading = torch.cat([output[:, 0], tokens.mean(1), spread], 1)
        found[number] = exact(reading) @ direct.columns[direct.first + number].T / direct.size
    return found


class _FixedNorm(nn.Module):
    """A LayerNorm whose deviation is held fixed."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, tokens: Tensor) -> Tensor:
        centred = tokens - tokens.mean(-1, keepdim=True)
        deviation = deviation_of(tokens, self.norm).detach()
        return centred / deviation * self.norm.weight + self.norm.bias


class _FixedGate(nn.Module):
    """An activation x g(x) whose gate g is held fixed."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        tiny = x.abs() < 1e-12
        gate = torch.where(tiny, 0.5, self.activation(x) / torch.where(tiny, 1.0, x))
        return x * gate.detach()


class _FixedAttention(nn.Module):
    """Attention whose weights are held fixed."""

    def __init__(self, theirs: nn.MultiheadAttention) -> None:
        super().__init__()
        self.theirs = theirs

    def forward(self, tokens: Tensor, *_, **__) -> tuple[Tensor, None]:
        q, k, v = attention.projected(self.theirs, tokens)
        mixed = attention.attended(q, k).detach() @ v
        return self.theirs.out_proj(mixed.transpose(1, 2).flatten(2)), None


@contextmanager
def fixed(blocks: Sequence[nn.Module]) -> Iterator[None]:
    """Inside the block, what bends in a transformer's blocks is held fixed; after it, they are as they were."""
    places = [(block, name) for block in blocks for name in ("attn", "ln_1", "ln_2")]
    places += [(block.mlp, "gelu") for block in blocks]  # pyright: ignore
    kinds = {"attn": _FixedAttention, "ln_1": _FixedNorm, "ln_2": _FixedNorm, "gelu": _FixedGate}
    theirs = [getattr(module, name) for module, name in places]
    try:
        for (module, name), original in zip(places, theirs, strict=True):
            setattr(module, name, kinds[name](original))
        yield
    finally:
        for (module, name), original in zip(places, theirs, strict=True):
            setattr(module, name, original)
