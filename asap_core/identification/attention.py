"""I1. What [CLS] takes from every token in a transformer block, recorded inside a `with`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import EncoderError

Listen = Callable[[int, Tensor, Tensor], None]
"""Called with a block's number, the weights of a query for all tokens, and the tokens' values (n, heads, 1 + t, w/h).

The weights are those of [CLS] alone (n, heads, 1 + t); where asked for, of every query (n, heads, 1 + t, 1 + t).
"""


class RecordedAttention(nn.Module):
    """Stands in for a block's attention: the same output from the same weights, keys and values computed once."""

    def __init__(self, attention: nn.MultiheadAttention, heard: Callable[[Tensor, Tensor], None], whole: bool) -> None:
        super().__init__()
        self.attention, self.heard, self.whole = attention, heard, whole

    def forward(self, tokens: Tensor, *_, **__) -> tuple[Tensor, None]:
        """(n, 1 + t, w) -> the same, after attention among them."""
        q, k, v = projected(self.attention, tokens)
        if self.whole:
            weights = attended(q, k)  # (n, heads, 1 + t, 1 + t)
            self.heard(weights, v)
            mixed = weights @ v
        else:
            self.heard(attended(q[:, :, :1], k)[:, :, 0], v)
            mixed = F.scaled_dot_product_attention(q, k, v)
        return self.attention.out_proj(mixed.transpose(1, 2).flatten(2)), None


def projected(theirs: nn.MultiheadAttention, tokens: Tensor) -> Tensor:
    """Queries, keys and values of tokens (n, 1 + t, w): (3, n, heads, 1 + t, w/h)."""
    packed = F.linear(tokens, theirs.in_proj_weight, theirs.in_proj_bias)
    return packed.unflatten(2, (3, theirs.num_heads, -1)).permute(2, 0, 3, 1, 4)


def attended(queries: Tensor, keys: Tensor) -> Tensor:
    """What queries (n, heads, q, w/h) take from every key (n, heads, 1 + t, w/h): shares (n, heads, q, 1 + t)."""
    return (queries @ keys.mT * queries.shape[-1] ** -0.5).softmax(-1)


@contextmanager
def recording(blocks: Sequence[nn.Module], listen: Listen, whole: bool = False) -> Iterator[None]:
    """Inside the block, each pass tells `listen` what attention did, block by block; the model is left as it was.

    `whole` also computes what every other token takes, in full, so that gradients reach it.
    """
    theirs = [block.attn for block in blocks]
    for attention in theirs:
        if not (isinstance(attention, nn.MultiheadAttention) and attention.batch_first and attention.bias_k is None):
            raise EncoderError(
                f"attention of the kind {type(attention).__name__} cannot be followed; expected torch's own"
            )
    try:
        for number, (block, attention) in enumerate(zip(blocks, theirs, strict=True)):
            assert isinstance(attention, nn.MultiheadAttention)

            def heard(weights: Tensor, values: Tensor, number: int = number) -> None:
                listen(number, weights, values)

            block.attn = RecordedAttention(attention, heard, whole)
        yield
    finally:
        for block, attention in zip(blocks, theirs, strict=True):
            block.attn = attention


def readout(block: nn.Module, targets: Tensor) -> Tensor:
    """Targets (T, w), linear in the residual stream, as they read a block's heads: (T, heads, w/h)."""
    attention: nn.MultiheadAttention = block.attn  # pyright: ignore
    scaled = targets * getattr(block.ls_1, "gamma", torch.ones((), device=targets.device))
    return (scaled @ attention.out_proj.weight.to(targets.dtype)).unflatten(1, (attention.num_heads, -1))
