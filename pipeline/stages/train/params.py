"""What a stages file may say about training; imports neither numpy nor torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from trainers.params import AugmentParams, FitParams, Pairing, StandardiseParams

TeacherSeed = Literal["same", "next"]


class StoredParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trained model of the store, as a model begins with it.

    Attributes
    ----------
    output
        The beginning of its key.
    """

    output: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8,64}$")]


class TrainParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A trained model's parameters, beside ``model``.

    Attributes
    ----------
    modalities
        Those of the experiment that the model sees; all where left out.
    augment
        Of the training recordings; null turns it off.
    init_from
        The trained model whose weights this one begins with: another entry's of the same fold and seed, by the entry's
        name, or one of the store.
    LATER
        As `trainers.params.FitParams.LATER`.
    """

    LATER: ClassVar[tuple[str, ...]] = ("init_from",)

    modalities: tuple[str, ...] | None = None
    fit: FitParams = FitParams()
    augment: AugmentParams | None = AugmentParams()
    standardise: StandardiseParams = StandardiseParams()
    init_from: str | StoredParams | None = None


class DistilParams(TrainParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A distilled model's parameters, beside ``model`` and ``loss``.

    Attributes
    ----------
    pairing
        Which recording the teacher sees beside the student's: the same ``recording``; or, to see what this is worth, a
        ``copy`` of it that is augmented by itself, another of its ``class`` or one of any ``other-class``, drawn anew
        for every batch.
    teacher_seed
        Whether the teacher is that of the ``same`` seed as the student, with which its batches came in the same order
        and parts of its network that are alike began alike, or that of the ``next`` one of the experiment's seeds,
        after the last the first.
    LATER
        As `trainers.params.FitParams.LATER`.
    """

    LATER: ClassVar[tuple[str, ...]] = ("init_from", "pairing", "teacher_seed")

    pairing: Pairing = "recording"
    teacher_seed: TeacherSeed = "same"

    def __post_init__(self) -> None:
        if self.augment is not None and self.augment.mixup and self.pairing != "recording":
            raise ValueError("pairing: a teacher sees the student's mixture; leave it out, or augment.mixup")


class PretrainedParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which weights a model starts from: torchvision's name of the network, and a name or file of weights."""

    model: str
    weights: str


class EvaluateParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The evaluate stage leaves nothing to choose."""
