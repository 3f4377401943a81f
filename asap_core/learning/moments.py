"""Mean and standard deviation over positions, gathered from every block of one forward pass."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def of(tokens: Tensor) -> Tensor:
    """Tokens (n, t, c) -> (n, 2c), at least float32: the mean over tokens, then the population standard deviation.

    Two passes: differences from the mean are squared, so that nothing cancels where the mean is large. On a
    channels-last feature map both passes read memory in order, several times as fast as torch.std.
    """
    tokens = exact(tokens)
    mean = tokens.mean(1, keepdim=True)  # (n, 1, c)
    deviation = (tokens - mean).square_().mean(1).sqrt_()  # (n, c)
    return torch.cat([mean[:, 0], deviation], 1)


def exact(values: Tensor) -> Tensor:
    """Numbers as they are added up: in single precision, or in double where they are double."""
    return values if values.dtype == torch.float64 else values.float()


def tokens_of(features: Tensor) -> Tensor:
    """A feature map (n, c, h, w) as tokens (n, h w, c): a view where memory is channels-last."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


@contextmanager
def recording(blocks: Iterable[nn.Module], summary) -> Iterator[list[Tensor]]:
    """Inside the block, each forward pass appends summary(output) per module; modules stay as they were."""
    kept: list[Tensor] = []
    hooks = [block.register_forward_hook(lambda _, __, output: kept.append(summary(output))) for block in blocks]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()
