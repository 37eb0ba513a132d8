"""A fold's recordings on the training device: inputs, labels and, for training, augmentation."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from trainers.data.augment import Augmenter, draw_time
from trainers.data.batch import Batch, Inputs
from trainers.data.device import indexed_device
from trainers.data.inputs import Input
from trainers.data.mixing.mixup import draw_shares, mix
from trainers.data.modality_dropout import draw_present, hide
from trainers.data.pairing import WrongPairing
from trainers.data.virtual.copies import VirtualCopies, VirtualSeries
from trainers.errors import TrainingError
from trainers.params import AugmentParams, Pairing

Time = tuple[Tensor, Tensor]  # a batch's warps, see `trainers.data.augment.draw_time`


class RecordingData:
    """Recordings as batches of raw inputs; see `trainers.data.batch.Batch`.

    Parameters
    ----------
    inputs
        Rows are the same recordings in the same order. Inputs of one modality have the same series, and get
        the same augmented copy of it: a teacher and a student that take different forms see one trial.
    labels
        (N,) int64.
    augment
        Applied to batches that are drawn with a generator; None never augments.
    trained
        The inputs of the model that is trained, which modality dropout hides; where empty, all are.
    pairing
        Whether a teacher sees the same recording in batches that are drawn with a generator, an augmented copy of its
        own (``copy``), or another recording.
    virtual
        By modality, what a virtual sensor measured of the same recordings: batches that are drawn with a generator have
        it in place of some of them (`AugmentParams.virtual`). A teacher sees the real ones.
    """

    def __init__(
        self,
        inputs: Iterable[Input],
        labels: Tensor,
        augment: AugmentParams | None = None,
        trained: Sequence[str] = (),
        pairing: Pairing = "recording",
        virtual: Mapping[str, VirtualSeries] | None = None,
    ) -> None:
        self.inputs = {data.name: data for data in inputs}
        self.labels = labels.long()
        self.augment = augment
        self.trained = tuple(trained or self.inputs)
        self.pairing = pairing
        self._partners = WrongPairing(self.labels, pairing) if pairing in ("class", "other-class") else None
        self._masked = [name for name, data in self.inputs.items() if not bool(data.valid.all())]
        self._augmenters: dict[str, Augmenter] = {}
        for data in self.inputs.values():
            if len(data) != len(labels):
                raise TrainingError(
                    f"modality {data.name}: {len(data)} rows for {len(labels)} labels; give both the same recordings"
                )
            if augment is None:
                continue
            if data.modality not in self._augmenters:
                self._augmenters[data.modality] = Augmenter(data, augment)
            _check_same_series(self._augmenters[data.modality].data, data)
        self._virtual = {
            name: VirtualCopies(self._augmenters[name].data, series, augment)
            for name, series in (virtual or {}).items()
            if augment is not None and augment.virtual
        }

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one recording of each input, as models take them."""
        return {name: data.shape for name, data in self.inputs.items()}

    def to(self, device: torch.device | str) -> RecordingData:
        """Return the same on a device: itself where it is there."""
        device = indexed_device(device)
        if self.labels.device == device:
            return self
        moved = copy.copy(self)
        moved.labels = self.labels.to(device)
        moved._partners = self._partners.to(device) if self._partners is not None else None
        moved.inputs = {name: data.to(device) for name, data in self.inputs.items()}
        moved._virtual = {modality: each.to(device) for modality, each in self._virtual.items()}
        moved._augmenters = {
            modality: each.on(moved.inputs[each.data.name]) for modality, each in self._augmenters.items()
        }
        return moved

    def batch(self, rows: Tensor, generator: torch.Generator | None = None) -> Batch:
        """Return recordings `rows` ((B,) int64, on the data's device), augmented if a generator is given."""
        (own, time), shares = self._inputs(rows, generator), None
        if generator is not None and self.augment is not None and self.augment.mixup:
            shares = draw_shares(len(rows), self.augment.mixup, generator)
            own = mix(own, shares)
        batch: Batch = {"inputs": own["inputs"], "valid": own["valid"], "labels": self.labels[rows]}
        if shares is not None:
            batch["shares"] = shares
        if generator is not None and self.augment is not None and self.augment.modality_dropout:
            present = draw_present(len(rows), len(self.trained), self.augment.modality_dropout, generator)
            stored = {name: self.inputs[name].valid[rows] for name in self.trained}
            batch["seen"] = hide(stored | own["valid"], self.trained, present)
        if generator is not None and self.pairing != "recording":
            others = self._partners.draw(rows, generator) if self._partners is not None else rows
            batch["teacher"], _ = self._inputs(others, generator)
        if generator is not None and time is not None and self._virtual:
            batch.setdefault("teacher", own)
            batch["inputs"] = self._with_virtual(rows, own["inputs"], time, generator)
        return batch

    def _inputs(self, rows: Tensor, generator: torch.Generator | None) -> tuple[Inputs, Time | None]:
        """Return inputs, and the warp of time that they were drawn with; None of what is not augmented."""
        time = None
        if generator is None or self.augment is None:
            inputs = {name: data.take(rows) for name, data in self.inputs.items()}
        else:
            time = draw_time(len(rows), self.augment, rows.device, generator)
            inputs = self._augmented(rows, time, generator)
        return {"inputs": inputs, "valid": {name: self.inputs[name].valid[rows] for name in self._masked}}, time

    def _with_virtual(
        self, rows: Tensor, inputs: Mapping[str, Tensor], time: Time, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the inputs, those of the trained model with virtual copies in place of some recordings."""
        mixed = dict(inputs)
        for modality, copies in self._virtual.items():
            chosen, series = copies.draw(rows, time, generator)
            for name in self.trained:
                if (data := self.inputs[name]).modality == modality:
                    made = data.derive(series)
                    mixed[name] = torch.where(chosen.view(-1, *[1] * (made.ndim - 1)), made, mixed[name])
        return mixed

    def _augmented(self, rows: Tensor, time: Time, generator: torch.Generator) -> dict[str, Tensor]:
        copies: dict[str, Tensor] = {}
        inputs: dict[str, Tensor] = {}
        for name, data in self.inputs.items():
            augmenter = self._augmenters[data.modality]
            if data.series is None:
                inputs[name] = augmenter.features(rows, time, generator)
                continue
            if data.modality not in copies:
                copies[data.modality] = augmenter.series(rows, time, generator)
            inputs[name] = data.derive(copies[data.modality])
        return inputs


def _check_same_series(one: Input, other: Input) -> None:
    if one is other or (one.series is None and other.series is None):
        return
    if one.series is None or other.series is None or not torch.equal(one.series, other.series):
        raise TrainingError(
            f"{one.name} and {other.name} are not of the same series, so that no augmented copy can give both; "
            "take both from one encode entry"
        )
