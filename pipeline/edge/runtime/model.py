"""An exported model, opened: its card, held against its graph, and what it makes of a batch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.edge.card import DIGEST, METADATA, Card, StreamInput, decode_card, is_damaged, time_input
from pipeline.errors import ConfigError, PipelineError
from pipeline.sources.time_limits import TimeLimits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OUTPUT = "probabilities"
_AGAIN = "export it again with `pipeline export`"
_VALUES, _TIMES = "tensor(float)", "tensor(double)"


class Model:
    """A model that takes raw samples.

    Attributes
    ----------
    card
        What it says of itself.
    """

    def __init__(self, card: Card, session: Any) -> None:
        self.card = card
        self._session = session

    def probabilities(self, batch: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return probabilities (B, K) of a batch as `pipeline.edge.runtime.batch.padded` makes it.

        PipelineError where ONNX Runtime cannot compute them, for want of memory say.
        """
        try:
            found: NDArray[np.float32] = self._session.run([OUTPUT], batch)[0]
        except Exception as error:  # ONNX Runtime's own have no root but this
            problem = f"{self.card.model}: ONNX Runtime cannot compute this batch ({_first_line(error)})"
            raise PipelineError(f"{problem}\n  take fewer or shorter recordings at once: --batch 1") from error
        return found


def open_model(path: Path, threads: int = 1) -> Model:
    """Open an exported model on the CPU.

    Raises
    ------
    ConfigError
        It is no such model, is damaged or newer than what is installed here, or its card does not fit its graph.
    OSError
        The system does not let it be read.
    """
    return model_of(path.read_bytes(), path, threads)


def model_of(content: bytes, path: Path = Path("model.onnx"), threads: int = 1) -> Model:
    """Open an exported model that is in memory; `path` names it in messages. ConfigError as from `open_model`."""
    session = _session(path, content, threads)
    metadata = session.get_modelmeta().custom_metadata_map
    if DIGEST in metadata and is_damaged(content, metadata[DIGEST]):
        raise ConfigError(f"{path}: is damaged: it is not what its digest is of\n  copy it again, or {_AGAIN}")
    card = _card(path, metadata)
    for problem in (_problem_of_card(card), _problem_of_graph(card, session)):
        if problem:
            raise ConfigError(f"{path}: its card does not fit: {problem}\n  {_AGAIN}")
    return Model(card, session)


def _session(path: Path, content: bytes, threads: int) -> Any:
    try:
        import numpy  # noqa: F401 -- which ONNX Runtime does not name as what is missing
        import onnxruntime
    except ImportError as error:
        problem = f"{error.name or 'onnxruntime'} is not installed here, and nothing else runs a model"
        raise ConfigError(f"{problem}\n  pip install onnxruntime numpy") from None
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # weights in files beside it are read from nowhere: a model is one file
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own have no root but this
        raise ConfigError(f"{path}: {_reason(path, content, str(error), onnxruntime.__version__)}") from error


def _reason(path: Path, content: bytes, said: str, version: str) -> str:
    """Return why a file cannot be opened, and the remedy."""
    if not content:
        return f"is empty (0 bytes)\n  copy it again, or {_AGAIN}"
    if "IR version" in said or "opset" in said:
        return f"is of a newer ONNX than ONNX Runtime {version} knows\n  pip install -U onnxruntime"
    if any(each in said for each in ("NOT_IMPLEMENTED", "No Op registered", "is not a registered function/op")):
        return f"needs an operator that ONNX Runtime {version} does not have\n  pip install -U onnxruntime, or {_AGAIN}"
    if "INVALID_GRAPH" in said or "Invalid model" in said:
        return f"is damaged ({said.splitlines()[0].rpartition(' : ')[2][:160]})\n  copy it again, or {_AGAIN}"
    if path.suffix.lower() != ".onnx":
        return "is no ONNX file\n  give a file that `pipeline export` wrote"
    return f"is no ONNX file, or cut off ({len(content):,} bytes)\n  copy it again, or {_AGAIN}"


def _card(path: Path, metadata: Mapping[str, str]) -> Card:
    if METADATA not in metadata:
        problem = f"{path}: is an ONNX file without a card ({METADATA}), which says what goes in"
        raise ConfigError(f"{problem}\n  give a file that `pipeline export` wrote")
    try:
        return decode_card(metadata[METADATA])
    except ValueError as error:  # msgspec's are
        if "$.format" in str(error):
            raise ConfigError(f"{path}: its card is of another format than 1\n  update harvest") from None
        raise ConfigError(f"{path}: its card cannot be read ({_first_line(error)})\n  {_AGAIN}") from None


def _problem_of_card(card: Card) -> str:
    """Return what in a card contradicts itself."""
    names = [each.name for each in card.streams]
    if len(set(names)) < len(names):
        return "it names a stream twice"
    if len(set(card.classes)) < len(card.classes):
        return "it names a class twice"
    try:
        msgspec.convert(card.source.get("times", {}), TimeLimits)
    except msgspec.ValidationError as error:
        return f"its limits of times cannot be read ({error})"
    for span in card.spans:
        if not span.streams:
            return f"{span.modality} is made of no stream"
        if lacking := [name for name in span.streams if name not in names]:
            return f"{span.modality} is made of {lacking[0]}, which is no stream of it"
    return next(filter(None, map(_problem_of_stream, card.streams)), "")


def _problem_of_stream(stream: StreamInput) -> str:
    limits = stream.sample[-1]
    if len(stream.channels) not in (0, stream.sample[0]) and len(stream.sample) == 1:
        return f"{stream.name} has {stream.sample[0]} channels, and names of {len(stream.channels)}"
    if len(stream.low) != len(stream.high) or len(stream.low) not in (0, limits):
        return f"{stream.name} has {limits} channels, and limits of {len(stream.low)} and {len(stream.high)}"
    return ""


def _problem_of_graph(card: Card, session: Any) -> str:
    """Return where a card and a graph say different things of what goes in and comes out."""
    wanted: dict[str, tuple[str, Sequence[int]]] = {}
    for each in card.streams:
        wanted[each.name] = (_VALUES, each.sample)
        wanted[time_input(each.name)] = (_TIMES, ())
    inputs = {each.name: each for each in session.get_inputs()}
    if odd := sorted({*wanted} ^ {*inputs}):
        return f"the graph {'takes' if odd[0] in inputs else 'has no input'} {odd[0]}, the card says otherwise"
    for name, (kind, sample) in wanted.items():
        if problem := _problem_of_tensor(inputs[name], kind, 2, sample):
            return f"input {problem}"
    outputs = {each.name: each for each in session.get_outputs()}
    if OUTPUT not in outputs:
        return f"the graph has no output {OUTPUT}"
    problem = _problem_of_tensor(outputs[OUTPUT], _VALUES, 1, [len(card.classes)])
    return f"output {problem}" if problem else ""


def _problem_of_tensor(tensor: Any, kind: str, free: int, fixed: Sequence[int]) -> str:
    """Compare a tensor of a graph with its type, how many sizes are open, and those that are not."""
    shape = list(tensor.shape)
    if tensor.type != kind:
        return f"{tensor.name} is {tensor.type}, not {kind}"
    if len(shape) != free + len(fixed) or any(isinstance(size, int) for size in shape[:free]):
        return f"{tensor.name} has shape {shape}, not {free} open sizes and {list(fixed)}"
    if any(isinstance(size, int) and size != want for size, want in zip(shape[free:], fixed, strict=True)):
        return f"{tensor.name} has shape {shape}, and the card says {list(fixed)}"
    return ""


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]
