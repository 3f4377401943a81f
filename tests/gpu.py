"""A graphics processor that is none: tensors that live on the CPU and refuse what an Apple GPU refuses.

Inside `with Gpu():` whatever is moved to `DEVICE`, or made there, is a `Held`; so is all that is computed of one, until
`.cpu()`. Double precision is refused there with a TypeError, as by Metal; so are half precision by autocast, numpy
without `.cpu()`, and tensors of two devices in one operation. What real kernels do differently is not seen.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from asap_core.learning.encoder import Encoder

DEVICE = torch.device("mps")
MOVES = (Tensor.to, Tensor.type_as, Tensor.copy_)
INDEXING = (Tensor.__getitem__, Tensor.__setitem__, Tensor.index_select)  # indices may lie on the CPU


class Held(Tensor):
    """A tensor on the GPU."""


class Gpu(TorchFunctionMode):
    """Inside the block there is such a device."""

    def __torch_function__(self, func: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """One call of torch."""
        kwargs = dict(kwargs or {})
        given = list(tensors((args, kwargs)))
        held = any(isinstance(each, Held) for each in given)
        if func == Tensor.device.__get__:  # pyright: ignore
            return DEVICE if held else torch.device("cpu")
        if func is Tensor.numpy and held:
            raise TypeError("can't convert mps:0 device type tensor to numpy. Use Tensor.cpu() first")
        if func is Tensor.cpu:
            return plain(args[0])
        there = asks_for_device(args, kwargs)
        if func in MOVES and len(given) > 1:
            there, held = isinstance(given[1 if func is not Tensor.copy_ else 0], Held), True
        elif held and func not in INDEXING:
            strangers = [each for each in given if not isinstance(each, Held) and each.ndim]
            if strangers:
                raise RuntimeError(f"Expected all tensors to be on the same device, but got mps:0 and cpu: {func}")
        if not (there or held):
            return func(*args, **kwargs)
        if torch.is_autocast_enabled(DEVICE.type):
            raise AssertionError(f"{func} in half precision")
        if there and any(each.dtype == torch.float64 for each in given):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        found = func(*without_device(args), **without_device(kwargs))
        return moved(found, held if there is None else there)


def asks_for_device(args: Any, kwargs: dict) -> bool | None:
    """Whether a call names the GPU; None where it names no device."""
    named = [torch.device(each) for each in (*args, *kwargs.values()) if names_device(each)]
    return None if not named else named[0].type == DEVICE.type


def names_device(value: Any) -> bool:
    """Whether an argument is a device, or the name of one."""
    return isinstance(value, torch.device) or (isinstance(value, str) and value in ("cpu", DEVICE.type))


def without_device(values: Any) -> Any:
    """A call's arguments with the CPU in the GPU's place."""
    if names_device(values):
        return torch.device("cpu")
    if isinstance(values, dict):
        return {name: without_device(each) for name, each in values.items()}
    return type(values)(map(without_device, values)) if type(values) in (tuple, list) else values


def tensors(values: Any) -> Iterator[Tensor]:
    """All tensors among arguments."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from tensors(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for each in values:
            yield from tensors(each)


def moved(found: Any, there: bool) -> Any:
    """What a call found, on the device."""
    if isinstance(found, Tensor):
        if there and found.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        if not there:
            return plain(found)
        return found if isinstance(found, Held) else found.as_subclass(Held)  # what is changed in place stays itself
    if isinstance(found, tuple | list) and any(isinstance(each, Tensor) for each in found):
        made = [moved(each, there) for each in found]
        return type(found)(*made) if hasattr(found, "_fields") else type(found)(made)
    return found


def plain(tensor: Tensor) -> Tensor:
    """A tensor as the CPU has it."""
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.as_subclass(Tensor)


def placed(eye: Encoder) -> Encoder:
    """An encoder that was opened on the CPU, moved to the GPU."""
    for module in eye.tower.visual.modules():
        for name, each in module._parameters.items():
            if each is not None:
                module._parameters[name] = nn.Parameter(each.data.as_subclass(Held), requires_grad=False)
        for name, each in module._buffers.items():
            if each is not None:
                module._buffers[name] = each.as_subclass(Held)
    eye.device = DEVICE
    return eye
