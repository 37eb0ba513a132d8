"""Names of the distillation losses in a stages file. Strings only, nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """``module:name`` of a loss's class and of its parameters."""

    build: str
    params: str


LOSSES: Mapping[str, Place] = {
    "dmft-kd": Place("trainers.losses.dmft_kd:DMFTKD", "trainers.losses.params:DMFTKDParams"),
    "hinton": Place("trainers.losses.hinton:Hinton", "trainers.losses.params:HintonParams"),
    "attention": Place("trainers.losses.attention:AttentionTransfer", "trainers.losses.params:AttentionParams"),
    "similarity": Place("trainers.losses.similarity:SimilarityPreserving", "trainers.losses.params:SimilarityParams"),
    "rkd-distance": Place("trainers.losses.rkd_distance:RKDDistance", "trainers.losses.params:RKDDistanceParams"),
    "rkd-angle": Place("trainers.losses.rkd_angle:RKDAngle", "trainers.losses.params:RKDAngleParams"),
    "semantic": Place("trainers.losses.semantic:Semantic", "trainers.losses.params:SemanticParams"),
    "dask": Place("trainers.losses.dask:DASK", "trainers.losses.params:DASKParams"),
}
