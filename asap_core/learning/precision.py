"""In which numbers an encoder computes: decided here, for verdicts and for the maps that explain them alike.

Single precision, on every device. A map and its remainder can only sum to a verdict that was computed in the same
numbers; half precision and the ten bits of TF32 would save time on a GPU, and cost that. Double precision is for the
CPU alone, after `.cpu()`: Apple GPUs have none.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

DEVICES = ("cpu", "cuda", "mps")


def refuse_tf32() -> None:
    """From here on, this process multiplies and convolves in single precision as it is; torch's own convolutions
    on CUDA would round to ten bits."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


@contextmanager
def single() -> Iterator[None]:
    """Inside the block, or a function so decorated, nothing is computed in half precision, whatever a caller set."""
    with ExitStack() as stack:
        for kind in DEVICES:
            stack.enter_context(torch.autocast(kind, enabled=False))
        yield
