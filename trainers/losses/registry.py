"""Names of the distillation losses in a stages file. Strings only, nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Entry(NamedTuple):
    """``module:name`` of a loss's class and of its parameters."""

    build: str
    params: str


LOSSES: Mapping[str, Entry] = {
    "dmft-kd": Entry("trainers.losses.dmft_kd:DMFTKD", "trainers.losses.params:DMFTKDParams"),
    "hinton": Entry("trainers.losses.soft_targets:Hinton", "trainers.losses.params:HintonParams"),
    "attention": Entry("trainers.losses.attention:AttentionTransfer", "trainers.losses.params:AttentionParams"),
    "similarity": Entry("trainers.losses.similarity:SimilarityPreserving", "trainers.losses.params:SimilarityParams"),
    "rkd-distance": Entry("trainers.losses.rkd_distance:RKDDistance", "trainers.losses.params:RKDDistanceParams"),
    "rkd-angle": Entry("trainers.losses.rkd_angle:RKDAngle", "trainers.losses.params:RKDAngleParams"),
    "semantic": Entry("trainers.losses.semantic:Semantic", "trainers.losses.params:SemanticParams"),
    "dask": Entry("trainers.losses.vskd_dask:DASK", "trainers.losses.params:DASKParams"),
}
