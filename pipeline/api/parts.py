"""A loss or a model alone, for somebody else's training loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from torch import Tensor, nn

from pipeline.api.errors import raises_pipeline_errors
from pipeline.errors import ConfigError, PipelineError
from pipeline.registry import import_object
from pipeline.stagesfile.schema import did_you_mean
from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.fit.output_checks import embedding_width
from trainers.losses.numerics import as_float32
from trainers.losses.registry import LOSSES
from trainers.losses.registry import Entry as Losses
from trainers.losses.selection import with_agreement
from trainers.losses.semantic import Semantic
from trainers.losses.similarity_queue import SimilarityQueue
from trainers.models.registry import MODELS
from trainers.models.registry import Entry as Models

Outputs = Tensor | Mapping[str, Any]  # of a model: its logits (B, K), or what `ModelOutput` says, a part of it at least


class Loss(nn.Module):
    """A distillation loss on tensors: the hard loss with the labels, and what the teacher adds.

    It is a module, since some losses have weights of their own (``semantic``, ``dask`` and ``similarity-queue`` a
    projector, where widths differ): give its parameters to the optimizer, too.
    """

    def __init__(self, distillation: nn.Module, widths: Mapping[str, int | None], label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.distillation = distillation
        self.label_smoothing = label_smoothing
        self._widths = widths

    def forward(self, student: Outputs, teacher: Outputs, labels: Tensor) -> Tensor:
        """Return the loss, one number; the teacher gets no gradient.

        Parameters
        ----------
        student, teacher
            Logits (B, K), or a dict with ``logits`` and what the loss compares: ``embedding`` (B, E), ``maps``
            (feature maps (B, C, H, W) from shallow to deep), ``streams`` (logits (B, K) by name, for ``dmft-kd``;
            left out: the logits are the only stream). What a model of this package returns is such a dict.
        labels
            (B,) int64.
        """
        outputs = {"student": _complete(student, "student"), "teacher": _complete(teacher, "teacher")}
        _check_shapes(outputs, labels)
        self._check_widths(outputs)
        logits = as_float32(outputs["student"]["logits"])
        hard = nn.functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        try:
            told = _Complete("teacher", with_agreement(outputs["teacher"], labels))
            loss: Tensor = self.distillation(outputs["student"], told, hard)
        except TrainingError as error:
            raise PipelineError(str(error)) from error
        return loss

    def _check_widths(self, outputs: Mapping[str, ModelOutput]) -> None:
        """Raise ConfigError where embeddings have other widths than those that the loss was built for."""
        for whose, width in self._widths.items():
            found = outputs[whose]["embedding"].shape[1] if "embedding" in outputs[whose] else width
            if width is not None and found != width:
                problem = f"the {whose}'s embedding has {found} features, and the loss was built for {width}"
                raise ConfigError(f"{problem}\n  pass {whose}_width={found}")
        if self._has_projector and None in self._widths.values():
            widths = {whose: given["embedding"].shape[1] for whose, given in outputs.items()}
            if widths["student"] != widths["teacher"]:
                said = ", ".join(f"{whose}_width={width}" for whose, width in widths.items())
                raise ConfigError(f"the loss needs a projector between embeddings of different widths\n  pass {said}")

    @property
    def _has_projector(self) -> bool:
        return any(isinstance(each, Semantic | SimilarityQueue) for each in self.distillation.modules())


class _Complete(dict[str, Any]):
    """A model's outputs; ConfigError where a loss asks for one that was not given."""

    def __init__(self, whose: str, outputs: Mapping[str, Any]) -> None:
        super().__init__(outputs)
        self._whose = whose

    def __missing__(self, name: str) -> Any:
        given = ", ".join(self)
        raise ConfigError(f"the loss compares the models' {name}\n  give the {self._whose}'s beside its {given}")


def _check_shapes(outputs: Mapping[str, ModelOutput], labels: Tensor) -> None:
    """Raise ConfigError where tensors are not of one batch and one number of classes, which torch would broadcast."""
    shape = tuple(outputs["student"]["logits"].shape)
    for whose, given in outputs.items():
        if len(shape) != 2 or tuple(given["logits"].shape) != shape or not len(labels):
            found = tuple(given["logits"].shape)
            raise ConfigError(f"the {whose}'s logits are {found}\n  give (B, K) of both, of the same recordings")
        rows = [given["embedding"]] if "embedding" in given else []
        for each in (*rows, *given["maps"], *given["streams"].values(), labels):
            if each.shape[:1] != shape[:1]:
                problem = f"the {whose}'s logits are of {shape[0]} recordings, and a tensor {tuple(each.shape)}"
                raise ConfigError(f"{problem} is not\n  give tensors whose first axis is the batch, labels (B,)")
    if labels.ndim != 1 or labels.is_floating_point():
        raise ConfigError(f"labels are {labels.dtype} {tuple(labels.shape)}\n  give (B,) int64, the classes' numbers")


def _complete(outputs: Outputs, whose: str) -> ModelOutput:
    given = {"logits": outputs} if isinstance(outputs, Tensor) else dict(outputs)
    given = {"maps": (), "streams": {"logits": given.get("logits")}, **given}
    return _Complete(whose, given)  # type: ignore[return-value]


@raises_pipeline_errors
def loss(
    name: str,
    *,
    student_width: int | None = None,
    teacher_width: int | None = None,
    label_smoothing: float = 0.0,
    **params: Any,
) -> Loss:
    """Build a distillation loss.

    Parameters
    ----------
    name
        As in a stages file: ``hinton``, ``dask``, ``rkd-angle``, ....
    student_width, teacher_width
        Of the models' embeddings, where these are compared and differ in width.
    label_smoothing
        Of the hard loss.
    **params
        The loss's parameters, as in a stages file.
    """
    build, converted = _resolve(LOSSES, name, params)
    widths = {"student": student_width, "teacher": teacher_width}
    for whose, width in widths.items():
        if width is not None and (isinstance(width, bool) or not isinstance(width, int) or width < 1):
            raise ConfigError(f"{whose}_width {width!r}: is no width\n  give how many features its embedding has")
    if None in widths.values() and name == "similarity-queue":
        raise ConfigError(f"{name} keeps embeddings of the teacher\n  pass student_width=, and teacher_width=")
    if not isinstance(label_smoothing, (int, float)) or not 0 <= label_smoothing < 1:
        raise ConfigError(f"label_smoothing {label_smoothing!r}: is no share\n  give a number from 0 to below 1")
    return Loss(build(converted, *(width or 0 for width in widths.values())), widths, label_smoothing)


class Model(nn.Module):
    """A network: call it with a batch's inputs and, where some patches are empty, their masks."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor] | None = None) -> ModelOutput:
        """Return ``logits`` (B, K, logarithms of probabilities), ``embedding`` (B, E), ``streams`` and ``maps``."""
        if missing := [name for name in getattr(self.network, "names", ()) if name not in inputs]:
            raise ConfigError(f"{missing[0]}: the network takes it, and gets {', '.join(inputs) or 'nothing'}")
        output: ModelOutput = self.network(inputs, valid or {})
        return output

    @property
    def embedding_width(self) -> int:
        """E, the width of the embedding."""
        return embedding_width(self.network)


@raises_pipeline_errors
def model(name: str, shapes: Mapping[str, tuple[int, ...]], classes: int, **params: Any) -> Model:
    """Build a model with new weights, which torch's generator draws.

    Parameters
    ----------
    name
        As in a stages file: ``dmft``, ``cnn1d``, ....
    shapes
        Shape of one recording by input, as `RecordingDataset.shapes` has them.
    classes
        K.
    **params
        The model's parameters, as in a stages file.
    """
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        raise ConfigError(f"classes {classes!r}: is no number of classes\n  give 1 or more")
    build, converted = _resolve(MODELS, name, params)
    if getattr(converted, "weights", "none") != "none":
        raise ConfigError(f"{name}: weights: are not read here\n  load them: model.network.load_state_dict(...)")
    return Model(build(dict(shapes), classes, converted))


def _resolve(table: Mapping[str, Losses | Models], name: str, params: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what builds a thing, and its parameters."""
    if name not in table:
        remedy = f"{did_you_mean(str(name), list(table))}; a plug-in's class can be called as it is"
        raise ConfigError(f"{name}: there is no such name\n  {remedy}")
    struct = import_object(table[name].params)
    for given in params:
        if given not in struct.__struct_fields__:
            raise ConfigError(f"{name}: {given}: no such parameter\n  {did_you_mean(given, struct.__struct_fields__)}")
    try:
        converted = msgspec.convert(dict(params), struct)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise ConfigError(f"{name}: {where.rstrip('`')}{': ' if where else ''}{what}") from None
    return import_object(table[name].build), converted
