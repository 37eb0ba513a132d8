"""Writing a graph as one ONNX file, its card in it."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.edge.card import METADATA, Card, encode_card, time_input
from pipeline.edge.export.raw_model import RawModel
from pipeline.errors import ConfigError, StepError

OPSET = 20  # int8 tools fail on the attention of 23
OUTPUT = "probabilities"
_EXAMPLE = 3, 40  # recordings and samples of the batch that is traced; sizes of 1 would be taken for fixed


def onnx_bytes(graph: RawModel, card: Card) -> bytes:
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
    _strip(model)
    model.producer_name = card.program.split(" ")[0]
    model.graph.name = card.model
    onnx.helper.set_model_props(model, {METADATA: encode_card(card)})
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


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


def padded(recordings: Sequence[Mapping[str, tuple[np.ndarray, np.ndarray]]]) -> dict[str, np.ndarray]:
    """Put recordings, values and times by stream, into one batch: shorter ones repeat their last sample."""
    batch: dict[str, np.ndarray] = {}
    for name in recordings[0]:
        longest = max(len(each[name][0]) for each in recordings)
        values, times = zip(*(each[name] for each in recordings), strict=True)
        batch[name] = np.stack([_repeat_last(each, longest) for each in values]).astype(np.float32)
        batch[time_input(name)] = np.stack([_repeat_last(each, longest) for each in times]).astype(np.float64)
    return batch


def _repeat_last(values: np.ndarray, length: int) -> np.ndarray:
    missing = length - len(values)
    return np.concatenate([values, np.repeat(values[-1:], missing, axis=0)]) if missing else values


def _strip(model: object) -> None:
    """Take out what the exporter says of this machine's files: where in the source each node comes from."""
    graph = model.graph  # type: ignore[attr-defined]
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.metadata_props[:]
    del model.metadata_props[:]  # type: ignore[attr-defined]
    for function in model.functions:  # type: ignore[attr-defined]
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
