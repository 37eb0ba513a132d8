"""A network of torch as a graph in ONNX, without its weights: it depends on what is computed, not on what was learnt.

The network computes a few images, and each operator that torch is asked for meanwhile becomes nodes of the graph. That
takes little more than the images do; torch's own exporter takes seconds to a minute, which some hundred images would
not earn back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from pipeline.stages.encode.video.runtime.converted import MEAN, STD, ConvertedNetwork, UnconvertibleError, weights_of
from pipeline.stages.encode.video.runtime.onnx_graph import OnnxGraph, Value
from pipeline.stages.encode.video.runtime.operators import OPERATORS


def convert(network: nn.Module, images: Tensor) -> tuple[ConvertedNetwork, Tensor]:
    """Return the network from images in 0..1, (B, 1 or 3, S, S), to features (B, width); and an example's features.

    The graph normalises the images itself.

    Parameters
    ----------
    network
        In evaluation mode, in float32, on the CPU.
    images
        The example: what the network takes, normalised (B, 3, S, S). The graph is for as many images of this size.

    Raises
    ------
    UnconvertibleError
        The network computes something that has no operator in `OPERATORS`.
    """
    recorder = _Recorder(weights_of(network), images)
    with torch.inference_mode(), _attention_in_steps(), recorder:
        features: Tensor = network(images)
    batch, _, *size = images.shape
    return recorder.graph.finished([batch, "channels", *size], recorder.value_of(features)), features


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds what torch computes to a graph, operator by operator."""

    def __init__(self, weights: Mapping[str, Tensor], images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph = OnnxGraph()
        self._values: Any = WeakIdKeyDictionary()  # of tensors that are in use
        for name, tensor in weights.items():
            self._values[tensor] = self.graph.weight(name, tensor.shape)
        mean, std = (self.graph.weight(name, (1, 3, 1, 1)) for name in (MEAN, STD))
        centred = self.graph.add("Sub", "images", mean.name)  # of a single channel: three that are alike
        self._values[images] = Value(self.graph.add("Div", centred, std.name), tuple(images.shape))

    def value_of(self, tensor: Tensor) -> Value:
        """Return what a tensor is in the graph."""
        if tensor not in self._values:
            raise UnconvertibleError(f"a tensor {tuple(tensor.shape)} of {tensor.dtype} that is no weight")
        found: Value = self._values[tensor]
        return found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Compute as torch does, and add it to the graph."""
        given = dict(self._arguments(func, args, kwargs or {}))
        found = func(*args, **(kwargs or {}))
        if func._schema.is_mutable:
            self._require_one_name(args[0])
        if str(func) == "aten.chunk.default":
            self._split(found, given)
        elif (operator := OPERATORS.get(str(func))) and found.dtype is torch.float32:
            self._add(operator, given, found)
        else:
            raise UnconvertibleError(str(func))
        return found

    def _arguments(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield arguments by the names that torch's schema has for them, tensors as values, defaults included."""
        for number, argument in enumerate(func._schema.arguments):
            default = kwargs.get(argument.name, argument.default_value)
            found = args[number] if number < len(args) else default
            if isinstance(found, list | tuple):
                yield argument.name, [self.value_of(each) if isinstance(each, Tensor) else each for each in found]
            else:
                yield argument.name, self.value_of(found) if isinstance(found, Tensor) else found

    def _add(self, operator: Callable[..., str], given: Mapping[str, Any], found: Tensor) -> None:
        shape = tuple(found.shape)
        self._values[found] = Value(operator(self.graph, given, shape), shape)

    def _split(self, found: Sequence[Tensor], given: Mapping[str, Any]) -> None:
        sizes = self.graph.integers([part.shape[given["dim"]] for part in found])
        names = self.graph.add_split("Split", [given["self"].name, sizes], len(found), axis=given["dim"])
        for part, name in zip(found, names, strict=True):
            self._values[part] = Value(name, tuple(part.shape))

    def _require_one_name(self, changed: Tensor) -> None:
        """Refuse a change in place where other tensors in use would change with it."""
        memory = changed.untyped_storage().data_ptr()
        if any(other is not changed and other.untyped_storage().data_ptr() == memory for other in self._values):
            raise UnconvertibleError("a change in place of memory that has two names")


@contextmanager
def _attention_in_steps() -> Iterator[None]:
    """Let attention be computed by operators that are known elsewhere, not by one of its own."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
