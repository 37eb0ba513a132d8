"""Writing a graph as one ONNX file, its card in it."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipeline.edge.card import DIGEST, METADATA, UNSEALED, Card, encode_card, sealed, time_input
from pipeline.edge.export.raw_model import RawModel
from pipeline.errors import ConfigError, StepError

OPSET = 20  # int8 tools fail on the attention of 23
OUTPUT = "probabilities"
_EXAMPLE = 3, 40  # recordings and samples of the batch that is traced; sizes of 1 would be taken for fixed


@dataclass(frozen=True)
class OnnxFile:
    """A model as an ONNX file, and the names of those of its nodes that are the trained network's."""

    content: bytes
    network: Sequence[str]


def onnx_file(graph: RawModel, card: Card) -> OnnxFile:
    """Return a graph as an ONNX file; StepError where something of the model cannot be exported."""
    try:
        import onnxscript  # noqa: F401 -- torch's exporter needs it
    except ImportError:
        raise ConfigError("onnxscript is not installed\n  pip install 'harvest-har[export]'") from None
    import onnx

    arguments = tuple(example_batch(card).values())
    names = [name for each in card.streams for name in (each.name, time_input(each.name))]
    samples = {each.name: torch.export.Dim(f"samples_{place}") for place, each in enumerate(card.streams)}
    batch = torch.export.Dim("batch")
    sizes = [{0: batch, 1: samples[each.name]} for each in card.streams for _ in range(2)]
    try:
        with _quiet(), torch.no_grad():
            graph(*arguments)  # so that what is kept from call to call (a field's taps) is no tensor of the trace
            program = torch.onnx.export(
                graph, arguments, dynamo=True, opset_version=OPSET, input_names=names, output_names=[OUTPUT],
                dynamic_shapes=(tuple(sizes),), external_data=False, verbose=False,
            )  # fmt: skip
    except Exception as error:  # whatever the exporter makes of an operator that it does not know
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        problem = f"{card.step}: cannot be written as ONNX: {first}"
        raise StepError(f"{problem}\n  a plug-in's operator may be why") from error
    assert program is not None
    model = program.model_proto
    network = [node.name for node in model.graph.node if _is_of_network(node)]
    _strip(model)
    model.producer_name = card.program.split(" ")[0]
    model.graph.name = card.model
    onnx.helper.set_model_props(model, {METADATA: encode_card(card)})
    onnx.checker.check_model(model)
    return OnnxFile(model.SerializeToString(), network)


def with_card(content: bytes, card: Card) -> bytes:
    """Return an ONNX file with another card, and its digest."""
    import onnx

    model = onnx.load_model_from_string(content)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA: encode_card(card), DIGEST: UNSEALED})
    return sealed(model.SerializeToString())


def example_batch(card: Card) -> Mapping[str, Tensor]:
    """Return a batch of made-up recordings, to trace a graph with."""
    batch, samples = _EXAMPLE
    draw = torch.Generator().manual_seed(0)
    tensors: dict[str, Tensor] = {}
    for place, each in enumerate(card.streams):
        length = samples + place
        tensors[each.name] = torch.randn(batch, length, *each.sample, generator=draw)
        tensors[time_input(each.name)] = (torch.arange(length, dtype=torch.float64) / each.rate).repeat(batch, 1)
    return tensors


def _is_of_network(node: Any) -> bool:
    """Tell by the module that the exporter says a node comes from."""
    scopes = next((each.value for each in node.metadata_props if each.key == "pkg.torch.onnx.name_scopes"), "")
    return "'network" in scopes


def _strip(model: Any) -> None:
    """Take out what the exporter says of this machine's files: where in the source each node comes from."""
    graph = model.graph
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.metadata_props[:]
    del model.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from printing how far it is."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
