"""A trained model: its classes by name, its network, and what it says of recordings that nobody has encoded yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec
import torch

from pipeline.api.contexts import context_of
from pipeline.api.dataset import RecordingDataset
from pipeline.api.errors import raises_pipeline_errors
from pipeline.api.parts import Model
from pipeline.api.raw.arrays import Arrays
from pipeline.api.raw.encoding import encoded
from pipeline.api.steps import output_of, training_step
from pipeline.api.table import Table
from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.plugins.loading import use_folder
from pipeline.run.jobs import make_job
from pipeline.stages.train.features import read_recordings
from pipeline.stages.train.load import load_trained
from trainers.data.recordings import RecordingData
from trainers.fit.predict import Prediction, predict
from trainers.tensors import unpack


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
        returns a dict of ``logits`` (B, K), which are logarithms of probabilities, ``embedding`` (B, E), ``streams``
        and ``maps``; see `pipeline.api.parts.Model`.
    """

    def __init__(self, plan: Plan, step: Step, network: Model, inputs: Mapping[str, tuple[int, ...]]) -> None:
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
            Add a column with the probability of each class, ``probability_NAME``.
        device
            Where networks run, ``cpu`` or ``cuda``.

        Returns
        -------
        Table
            ``recording``, ``predicted`` and its ``probability``; where one cannot be used ``problem`` says why, and
            the others are None.
        """
        use_folder(self._plan.path.absolute().parent)
        if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
            raise ConfigError(f"device {device}: is not there\n  use cpu")
        if isinstance(recordings, RecordingDataset):
            self._check_shapes(recordings.shapes)
            ids = recordings.recordings
            return self._table(ids, ids, self._predict(recordings.data, device), {}, every_class)
        if isinstance(recordings, (str, PathLike)):
            given: Path | Sequence[Arrays] = Path(recordings).absolute()
        else:
            given = [recordings] if isinstance(recordings, Mapping) else _listed(recordings)
        with encoded(self._plan, self._step, given, device) as found:
            ids = [each.id for each in found.recordings]
            usable = [(row, 0) for row, id_ in enumerate(ids) if id_ not in found.broken]
            if not usable:
                return self._table(ids, [], None, found.broken, every_class)
            features = {name: self._step.work["features"][name] for name in self._step.work["inputs"]}
            job = make_job(self._plan, self._step, device)
            job = msgspec.structs.replace(job, work={"features": features, "test": usable})
            read = {step: found.outputs[step] for step in features.values()}
            data, kept = read_recordings(context_of(job, read), "test", list(features))
            self._check_shapes(data.shapes)
            prediction = self._predict(data, device)
        predicted = [ids[usable[place][0]] for place in kept]
        table = self._table(ids, predicted, prediction, found.broken, every_class)
        if not isinstance(given, Path):
            table[:] = [{**row, "recording": number} for number, row in enumerate(table)]
        return table

    def _predict(self, data: RecordingData, device: str) -> Prediction:
        """Predict in evaluation mode; the network stays in the mode, and on the device, that it is in."""
        was_training, where = self.network.training, next(self.network.parameters()).device
        try:
            return predict(self.network.network, data, device)
        finally:
            self.network.train(was_training).to(where)

    def _check_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        for name, shape in self.inputs.items():
            if name not in shapes:
                remedy = f"use the dataset of {self._step.entry}"
                raise ConfigError(f"{name}: the model sees it, and the dataset has {', '.join(shapes)}\n  {remedy}")
            if shape != shapes[name]:
                raise ConfigError(
                    f"{name}: a recording becomes {shapes[name]}, and the model was trained on {shape}\n"
                    "  give the channels, or joints, that its recordings had, in their order"
                )

    def _table(
        self,
        ids: Sequence[str],
        predicted: Sequence[str],
        prediction: Prediction | None,
        broken: Mapping[str, str],
        every_class: bool,
    ) -> Table:
        rows: dict[str, dict[str, Any]] = {}
        for id_, said in zip(predicted, prediction.probabilities.tolist() if prediction else (), strict=True):
            best = max(said)
            rows[id_] = {"recording": id_, "predicted": self.classes[said.index(best)], "probability": best}
            if every_class:
                rows[id_] |= {f"probability_{name}": each for name, each in zip(self.classes, said, strict=True)}
        for id_, reason in broken.items():
            rows[id_] = {"recording": id_, "predicted": None, "probability": None, "problem": reason}
        return Table(rows[id_] for id_ in ids)


def _listed(recordings: object) -> list[Any]:
    if isinstance(recordings, (Iterator, list, tuple)):
        return list(recordings)
    wanted = "a folder, arrays by stream, a list of these, or a dataset of an experiment"
    raise ConfigError(f"recordings: {type(recordings).__name__} is nothing that can be predicted\n  give {wanted}")


def model_of(plan: Plan, entry: str, fold: str | None, seed: int | None) -> TrainedModel:
    """Return a trained model; see `pipeline.api.experiment.Experiment.model`."""
    step = training_step(plan, entry, fold, seed)
    output = output_of(plan, step)
    context = context_of(make_job(plan, step, "cpu"), {step.id: output})
    with torch.random.fork_rng(devices=[]):  # a network is built with weights that are drawn, before it gets its own
        network = Model(load_trained(context, step.id))
    _, config = unpack(output.read_bytes("model.safetensors"), "saved model")
    return TrainedModel(plan, step, network, {name: tuple(shape) for name, *shape in config["shapes"]})
