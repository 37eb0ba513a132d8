"""What a stages file may say about training; imports neither numpy nor torch."""

from __future__ import annotations

import msgspec

from trainers.params import AugmentParams, FitParams, StandardiseParams


class TrainParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A trained model's parameters, beside ``model``.

    Attributes
    ----------
    modalities
        Those of the experiment that the model sees; all where left out.
    augment
        Of the training recordings; null turns it off.
    """

    modalities: tuple[str, ...] | None = None
    fit: FitParams = FitParams()
    augment: AugmentParams | None = AugmentParams()
    standardise: StandardiseParams = StandardiseParams()


class DistilParams(TrainParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A distilled model's parameters, beside ``model`` and ``loss``."""


class PretrainedParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which weights a model starts from: torchvision's name of the network, and a name or file of weights."""

    model: str
    weights: str


class EvaluateParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The evaluate stage leaves nothing to choose."""
