"""A trained model: its classes by name, its network, and what it says of recordings that nobody has encoded yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.api.contexts import context_of
from pipeline.api.dataset import RecordingDataset
from pipeline.api.errors import raises_pipeline_errors
from pipeline.api.raw import Arrays, encoded
from pipeline.api.steps import output_of, training_step
from pipeline.api.table import Table
from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.run.jobs import make_job
from pipeline.stages.train.features import read_recordings
from pipeline.stages.train.load import load_trained
from trainers.fit.predict import Prediction, predict
from trainers.tensors import unpack

if TYPE_CHECKING:
    from trainers.data.standardise import Standardised


class TrainedModel:
    """One model of one fold and seed, in evaluation mode on the CPU.

    Attributes
    ----------
    classes : list of str
        In label order.
    inputs : dict
        Shape of one recording by input, as the network takes them: patches (P, D), series (L, C), images (C, S, S).
    network : torch.nn.Module
        The network behind its standardiser: ``network(inputs, valid)`` takes a batch of a `RecordingDataset` and
        returns a dict of ``logits`` (B, K), ``embedding`` (B, E), ``streams`` and ``maps``.
    """

    def __init__(self, plan: Plan, step: Step, network: Standardised, inputs: Mapping[str, tuple[int, ...]]) -> None:
        self._plan, self._step = plan, step
        self.network = network
        self.classes = list(step.point.source.classes)
        self.inputs = dict(inputs)

    def __repr__(self) -> str:
        weights = sum(weight.numel() for weight in self.network.parameters())
        return f"<{self._step.id}: {weights:,} weights, {len(self.classes)} classes, takes {', '.join(self.inputs)}>"

    @raises_pipeline_errors
    def predict(
        self,
        recordings: RecordingDataset | str | PathLike[str] | Arrays | Sequence[Arrays],
        *,
        every_class: bool = False,
        device: str = "cpu",
    ) -> Table:
        """Predict classes of recordings, encoded as the model's own were.

        Parameters
        ----------
        recordings
            A folder that the experiment's source can read; raw recordings as arrays by stream (or one such), each
            (samples, channels), (samples, joints, 3), (frames, H, W, 3) uint8 or (frames, H, W) uint16, or a pair of
            that and times in seconds (without times samples are taken as evenly spaced); or a `RecordingDataset`.
        every_class
            Add a column with the probability of each class.
        device
            Where networks run, ``cpu`` or ``cuda``.

        Returns
        -------
        Table
            ``recording``, ``predicted`` and its ``probability``; where one cannot be used ``problem`` says why, and
            the others are None.
        """
        if isinstance(recordings, RecordingDataset):
            ids = recordings.recordings
            return self._table(ids, ids, predict(self.network, recordings.data, device), {}, every_class)
        if isinstance(recordings, (str, PathLike)):
            given: Path | Sequence[Arrays] = Path(recordings).absolute()
        else:
            given = [recordings] if isinstance(recordings, Mapping) else recordings
        with encoded(self._plan, self._step, given, device) as found:
            ids = [each.id for each in found.recordings]
            usable = [(row, 0) for row, id_ in enumerate(ids) if id_ not in found.broken]
            features = {name: self._step.work["features"][name] for name in self._step.work["inputs"]}
            job = make_job(self._plan, self._step, device)
            job = msgspec.structs.replace(job, work={"features": features, "test": usable})
            read = {step: found.outputs[step] for step in features.values()}
            data, kept = read_recordings(context_of(job, read), "test", list(features))
            self._check_shapes(data.shapes)
            prediction = predict(self.network, data, device)
        predicted = [ids[usable[place][0]] for place in kept]
        return self._table(ids, predicted, prediction, found.broken, every_class)

    def _check_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        for name, shape in shapes.items():
            if shape != self.inputs[name]:
                raise ConfigError(
                    f"{name}: a recording becomes {shape}, and the model was trained on {self.inputs[name]}\n"
                    "  give the channels, or joints, that its recordings had, in their order"
                )

    def _table(
        self,
        ids: Sequence[str],
        predicted: Sequence[str],
        prediction: Prediction,
        broken: Mapping[str, str],
        every_class: bool,
    ) -> Table:
        rows: dict[str, dict[str, Any]] = {}
        best, labels = prediction.probabilities.max(-1)
        for place, id_ in enumerate(predicted):
            rows[id_] = {"recording": id_, "predicted": self.classes[labels[place]], "probability": float(best[place])}
            if every_class:
                rows[id_] |= dict(zip(self.classes, prediction.probabilities[place].tolist(), strict=True))
        for id_, reason in broken.items():
            rows[id_] = {"recording": id_, "predicted": None, "probability": None, "problem": reason}
        return Table(rows[id_] for id_ in ids)


def model_of(plan: Plan, entry: str, fold: str | None, seed: int | None) -> TrainedModel:
    """Return a trained model; see `pipeline.api.experiment.Experiment.model`."""
    step = training_step(plan, entry, fold, seed)
    output = output_of(plan, step)
    network = load_trained(context_of(make_job(plan, step, "cpu"), {step.id: output}), step.id)
    _, config = unpack(output.read_bytes("model.safetensors"), "saved model")
    return TrainedModel(plan, step, network, {name: tuple(shape) for name, *shape in config["shapes"]})
