"""A graph in ONNX while it is made, for one network whose shapes are all known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.stages.encode.video.runtime.converted import ConvertedNetwork

OPSET = 20
_IR_VERSION = 9  # of that opset's time, so that older runtimes read it


@dataclass(frozen=True)
class Value:
    """A float32 tensor of the graph."""

    name: str
    shape: tuple[int, ...]


class OnnxGraph:
    """Nodes so far; names of values are made up."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}
        self._read: set[str] = set()  # names of what nodes take

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; return the output's name. An empty input is one left out."""
        return self.add_split(operator, inputs, 1, **attributes)[0]

    def add_split(self, operator: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs; return their names."""
        names = [f"{operator}-{len(self._nodes)}-{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, **attributes))
        self._read.update(inputs)
        return names

    def constant(self, values: NDArray[Any]) -> str:
        """Add values that lie in the graph itself."""
        name = f"constant-{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(values, name))
        return name

    def integers(self, values: Sequence[int]) -> str:
        """Add a list of integers: a shape, axes or indices."""
        return self.constant(np.array(values, np.int64))

    def weight(self, name: str, shape: Sequence[int]) -> Value:
        """Refer to a weight by its name; whoever runs the graph hands its values in."""
        tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights")
        self._weights[name] = tensor
        return Value(name, tuple(shape))

    def finished(self, images: Sequence[int | str], features: Value) -> ConvertedNetwork:
        """Return the network from images of this shape to features."""
        self._nodes.append(helper.make_node("Identity", [features.name], ["features"]))
        weights = {name: tensor for name, tensor in self._weights.items() if name in self._read}
        graph = helper.make_graph(
            self._nodes,
            "backbone",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, images)],
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, features.shape)],
            [*weights.values(), *self._constants],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION)
        return ConvertedNetwork(model.SerializeToString(deterministic=True), tuple(weights))
