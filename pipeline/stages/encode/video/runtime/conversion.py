"""A network of torch as a graph in ONNX, without its weights: it depends on what is computed, not on what was learnt."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.export.graph_signature import InputKind

from pipeline.stages.encode.video.runtime.onnx_graph import OnnxGraph, UnconvertibleError, Value
from pipeline.stages.encode.video.runtime.operators import OPERATORS, VIEWS

MEAN, STD = "images-mean", "images-std"  # their names among the weights; no module's name has a hyphen


def convert(network: nn.Module, images: tuple[int, int]) -> bytes:
    """Return the graph from images in 0..1, (B, 1 or 3, S, S), to the network's features (B, width).

    It normalises the images itself, and names weights as the network's parameters and buffers are named.

    Parameters
    ----------
    network
        In evaluation mode, in float32; its own input are normalised images of three channels.
    images
        B and S.

    Raises
    ------
    UnconvertibleError
        The network computes something that has no operator in `OPERATORS`.
    """
    batch, size = images
    example = torch.zeros(batch, 3, size, size)
    exported: Any = torch.export.export(network, (example,), strict=False)
    return _Conversion(exported, example).graph_of()


class _Conversion:
    """One network on its way into ONNX."""

    def __init__(self, exported: Any, example: Tensor) -> None:
        self._exported, self._example = exported, example
        self._graph = OnnxGraph()
        self._values: dict[Any, Any] = {}  # what each node of torch's graph is in ONNX

    def graph_of(self) -> bytes:
        """Convert node by node; see `convert`."""
        self._place_inputs()
        returned: Any = None
        for node in self._exported.graph.nodes:
            if node.op == "call_function":
                self._values[node] = self._converted(node)
            elif node.op == "output":
                (returned,) = node.args[0]
            elif node.op != "placeholder":
                raise UnconvertibleError(f"a node of kind {node.op}")
        batch, _, *size = self._example.shape
        return self._graph.serialised([batch, "channels", *size], self._values[returned])

    def _place_inputs(self) -> None:
        """Name weights and make the images normalised ones; the only channel there may be becomes three alike."""
        nodes = {node.name: node for node in self._exported.graph.nodes if node.op == "placeholder"}
        for spec in self._exported.graph_signature.input_specs:
            node = nodes[spec.arg.name]
            if spec.kind is InputKind.USER_INPUT:
                mean, std = (self._graph.weight(name, (1, 3, 1, 1)) for name in (MEAN, STD))
                centred = self._graph.add("Sub", "images", mean.name)
                self._values[node] = Value(self._graph.add("Div", centred, std.name), tuple(self._example.shape))
            elif spec.kind in (InputKind.PARAMETER, InputKind.BUFFER) and _is_float(node):
                self._values[node] = self._graph.weight(spec.target, node.meta["val"].shape)  # read or not
            elif node.users:  # not a counter of batches, say
                raise UnconvertibleError(f"{spec.target}, which is no float32 weight")

    def _converted(self, node: Any) -> Any:
        """Return what a node's output is in ONNX: a value, or several."""
        if node.target is operator.getitem:
            parts, number = node.args
            return self._values[parts][number]
        given = dict(self._arguments(node))
        if str(node.target) == "aten.chunk.default":
            return self._split(node, given)
        if str(node.target) not in OPERATORS:
            raise UnconvertibleError(str(node.target))
        if not _is_float(node):
            raise UnconvertibleError(f"{node.target} of another type than float32")
        shape = tuple(node.meta["val"].shape)
        value = Value(OPERATORS[str(node.target)](self._graph, given, shape), shape)
        if node.target._schema.is_mutable:
            self._replace(node.args[0], value)
        return value

    def _arguments(self, node: Any) -> Iterator[tuple[str, Any]]:
        """Yield arguments by the names that torch's schema has for them, tensors as values, defaults included."""
        for number, argument in enumerate(node.target._schema.arguments):
            found = node.args[number] if number < len(node.args) else node.kwargs.get(argument.name)
            if found is None and number >= len(node.args) and argument.has_default_value():
                found = argument.default_value
            if isinstance(found, list | tuple):
                yield argument.name, [self._values.get(each, each) for each in found]
            else:
                yield argument.name, self._values[found] if isinstance(found, torch.fx.Node) else found

    def _split(self, node: Any, given: dict[str, Any]) -> list[Value]:
        shapes = [tuple(each.shape) for each in node.meta["val"]]
        sizes = self._graph.integers([shape[given["dim"]] for shape in shapes])
        names = self._graph.add_split("Split", [given["self"].name, sizes], len(shapes), axis=given["dim"])
        return [Value(name, shape) for name, shape in zip(names, shapes, strict=True)]

    def _replace(self, changed: Any, value: Value) -> None:
        """Let a tensor that was changed in place be its new value for all who read it later."""
        if _is_view(changed) or any(_is_view(user) for user in changed.users):
            raise UnconvertibleError("a change in place of memory that has two names")
        self._values[changed] = value


def _is_view(node: Any) -> bool:
    return node.op == "placeholder" or node.target is operator.getitem or str(node.target) in VIEWS


def _is_float(node: Any) -> bool:
    return isinstance(node.meta["val"], Tensor) and node.meta["val"].dtype is torch.float32
