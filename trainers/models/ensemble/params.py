"""Parameters of an ensemble. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Rule = Literal["sum", "product"]
Weight = Annotated[float, Meta(ge=0, le=1000)]


class EnsembleParams(Struct, frozen=True, forbid_unknown_fields=True):
    """How trained models vote as one.

    Attributes
    ----------
    rule
        ``sum``: the mean of all streams' probabilities (DMFT eq. 11-12). ``product``: their geometric mean, made to add
        up to one; it ranks classes as the product rule does (Kittler et al. 1998, eq. 8, of classes that are equally
        likely beforehand), and is the sum of log-probabilities that training on each stream descends.
    weights
        By modality, what its streams count; 1 where it is not named. A stream of several modalities goes by
        ``skeleton+inertial``.
    seeds
        Whether it has each model of its ``own`` seed, or those of ``all`` the experiment's seeds.
    """

    rule: Rule = "product"
    weights: dict[str, Weight] = {}
    seeds: Literal["own", "all"] = "own"


class Member(Struct, frozen=True):
    """One of the models: its name and parameters, and the inputs that it takes."""

    model: str
    params: dict[str, Any]
    inputs: tuple[str, ...]


class SavedEnsemble(Struct, frozen=True):
    """What an ensemble is built of again; members by name."""

    rule: Rule
    weights: dict[str, float]
    members: dict[str, Member]
