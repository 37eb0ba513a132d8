"""What torch's operators are in ONNX, for those that frozen networks of images are made of.

Each takes the graph, the operator's arguments by name as torch's schema has them, and the shape of what it returns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pipeline.stages.encode.video.runtime.converted import UnconvertibleError
from pipeline.stages.encode.video.runtime.onnx_graph import OnnxGraph, Value

Arguments = Mapping[str, Any]
Shape = tuple[int, ...]
Operator = Callable[[OnnxGraph, Arguments, Shape], str]


def _require(supported: bool, what: str) -> None:
    if not supported:
        raise UnconvertibleError(what)


def _operand(graph: OnnxGraph, value: Value | float) -> str:
    return value.name if isinstance(value, Value) else graph.constant(np.array(value, np.float32))


def _elementwise(operator: str, **attributes: Any) -> Operator:
    def convert(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
        return graph.add(operator, given["self"].name, **attributes)

    return convert


def _with_scale(operator: str) -> Operator:
    def convert(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
        _require(given.get("alpha", 1) == 1, "a scaled sum")
        return graph.add(operator, _operand(graph, given["self"]), _operand(graph, given["other"]))

    return convert


def _same(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    _require(not given.get("train", False), "dropout in training")
    name: str = next(iter(given.values())).name
    return name


def _reshape(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    return graph.add("Reshape", given["self"].name, graph.integers(shape))


def _expand(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    return graph.add("Expand", given["self"].name, graph.integers(shape))


def _transpose(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    order = list(range(len(shape)))
    first, second = given["dim0"], given["dim1"]
    order[first], order[second] = order[second], order[first]
    return graph.add("Transpose", given["self"].name, perm=order)


def _permute(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    return graph.add("Transpose", given["self"].name, perm=[axis % len(shape) for axis in given["dims"]])


def _select(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    index = graph.constant(np.array(given["index"], np.int64))
    return graph.add("Gather", given["self"].name, index, axis=given["dim"])


def _flip(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    name: str = given["self"].name
    for axis in given["dims"]:
        name = graph.add("Gather", name, graph.integers(range(shape[axis])[::-1]), axis=axis)
    return name


def _concatenate(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    return graph.add("Concat", *(value.name for value in given["tensors"]), axis=given["dim"])


def _convolve(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    weight: Value = given["weight"]
    return graph.add(
        "Conv",
        *(value.name for value in (given["input"], weight, given["bias"]) if value is not None),
        kernel_shape=weight.shape[2:],
        strides=_pair(given["stride"]),
        pads=_pair(given["padding"]) * 2,
        dilations=_pair(given["dilation"]),
        group=given["groups"],
    )


def _normalise_batch(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    inputs = [given[name] for name in ("input", "weight", "bias", "running_mean", "running_var")]
    _require(not given["training"] and None not in inputs, "batch normalisation without fixed statistics or scale")
    return graph.add("BatchNormalization", *(value.name for value in inputs), epsilon=given["eps"])


def _normalise_layer(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    _require(given["weight"] is not None, "layer normalisation without a scale")
    inputs = [value.name for value in (given["input"], given["weight"], given["bias"]) if value is not None]
    return graph.add("LayerNormalization", *inputs, axis=-len(given["normalized_shape"]), epsilon=given["eps"])


def _linear(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    product = graph.add("MatMul", given["input"].name, graph.add("Transpose", given["weight"].name, perm=[1, 0]))
    return product if given["bias"] is None else graph.add("Add", product, given["bias"].name)


def _attend(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    _require(given["attn_mask"] is None and not given["is_causal"] and not given["dropout_p"], "masked attention")
    query, key, value = given["query"], given["key"], given["value"]
    scale = given["scale"] or 1 / math.sqrt(query.shape[-1])
    axes = [*range(len(key.shape) - 2), len(key.shape) - 1, len(key.shape) - 2]
    scaled = graph.add("Mul", query.name, graph.constant(np.array(scale, np.float32)))
    logits = graph.add("MatMul", scaled, graph.add("Transpose", key.name, perm=axes))  # (..., L, L)
    return graph.add("MatMul", graph.add("Softmax", logits, axis=-1), value.name)


def _clip(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    return graph.add("Clip", given["self"].name, *(_operand(graph, given[name]) for name in ("min_val", "max_val")))


def _swish(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    return graph.add("Mul", given["self"].name, graph.add("Sigmoid", given["self"].name))


def _gelu(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    return graph.add("Gelu", given["self"].name, approximate=given["approximate"])


def _pool_largest(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    return graph.add("MaxPool", given["self"].name, dilations=_pair(given["dilation"]), **_pooling(given))


def _pool_average(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    _require(given["divisor_override"] is None and not given["ceil_mode"], "an average with another divisor")
    included = int(given["count_include_pad"])
    return graph.add("AveragePool", given["self"].name, count_include_pad=included, **_pooling(given))


def _pooling(given: Arguments) -> dict[str, Any]:
    return {
        "kernel_shape": _pair(given["kernel_size"]),
        "strides": _pair(given["stride"] or given["kernel_size"]),
        "pads": _pair(given["padding"]) * 2,
        "ceil_mode": int(given["ceil_mode"]),
    }


def _pool_to_size(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    _require(shape[2:] == (1, 1), "adaptive pooling to more than one place")
    return graph.add("GlobalAveragePool", given["self"].name)


def _mean(graph: OnnxGraph, given: Arguments, shape: Shape) -> str:
    source: Value = given["self"]
    axes = [axis % len(source.shape) for axis in given["dim"]]
    if len(source.shape) == 4 and sorted(axes) == [2, 3]:
        return graph.add("Reshape", graph.add("GlobalAveragePool", source.name), graph.integers(shape))
    return graph.add("ReduceMean", source.name, graph.integers(axes), keepdims=int(given["keepdim"]))


def _pair(values: list[int]) -> list[int]:
    return list(values) * 2 if len(values) == 1 else list(values)


OPERATORS: Mapping[str, Operator] = {
    "aten.adaptive_avg_pool2d.default": _pool_to_size,
    "aten.add.Tensor": _with_scale("Add"),
    "aten.add_.Tensor": _with_scale("Add"),
    "aten.alias.default": _same,
    "aten.avg_pool2d.default": _pool_average,
    "aten.batch_norm.default": _normalise_batch,
    "aten.cat.default": _concatenate,
    "aten.clone.default": _same,
    "aten.contiguous.default": _same,
    "aten.conv2d.default": _convolve,
    "aten.dropout.default": _same,
    "aten.expand.default": _expand,
    "aten.flatten.using_ints": _reshape,
    "aten.flip.default": _flip,
    "aten.gelu.default": _gelu,
    "aten.hardsigmoid.default": _elementwise("HardSigmoid", alpha=1 / 6, beta=0.5),
    "aten.hardswish.default": _elementwise("HardSwish"),
    "aten.hardswish_.default": _elementwise("HardSwish"),
    "aten.hardtanh.default": _clip,
    "aten.hardtanh_.default": _clip,
    "aten.layer_norm.default": _normalise_layer,
    "aten.linear.default": _linear,
    "aten.max_pool2d.default": _pool_largest,
    "aten.mean.dim": _mean,
    "aten.mul.Tensor": _with_scale("Mul"),
    "aten.permute.default": _permute,
    "aten.relu.default": _elementwise("Relu"),
    "aten.relu_.default": _elementwise("Relu"),
    "aten.reshape.default": _reshape,
    "aten.scaled_dot_product_attention.default": _attend,
    "aten.select.int": _select,
    "aten.sigmoid.default": _elementwise("Sigmoid"),
    "aten.silu.default": _swish,
    "aten.silu_.default": _swish,
    "aten.squeeze.dim": _reshape,
    "aten.swapaxes.default": _transpose,
    "aten.transpose.int": _transpose,
    "aten.unflatten.int": _reshape,
    "aten.unsqueeze.default": _reshape,
    "aten.view.default": _reshape,
}
