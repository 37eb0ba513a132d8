"""Names of the distillation losses in a stages file. Strings only, nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Entry(NamedTuple):
    """``module:name`` of a loss's class and of its parameters."""

    build: str
    params: str


LOSSES: Mapping[str, Entry] = {
    "dmft-kd": Entry("trainers.losses.dmft_kd:DMFTKD", "trainers.losses.params.dmft_kd:DMFTKDParams"),
    "hinton": Entry("trainers.losses.soft_targets:Hinton", "trainers.losses.params.soft_targets:HintonParams"),
    "dist": Entry("trainers.losses.dist:DIST", "trainers.losses.params.dist:DISTParams"),
    "attention": Entry(
        "trainers.losses.attention:AttentionTransfer", "trainers.losses.params.attention:AttentionParams"
    ),
    "similarity": Entry(
        "trainers.losses.similarity:SimilarityPreserving", "trainers.losses.params.similarity:SimilarityParams"
    ),
    "similarity-queue": Entry(
        "trainers.losses.similarity_queue:SimilarityQueue",
        "trainers.losses.params.similarity_queue:SimilarityQueueParams",
    ),
    "rkd-distance": Entry(
        "trainers.losses.rkd_distance:RKDDistance", "trainers.losses.params.rkd_distance:RKDDistanceParams"
    ),
    "rkd-angle": Entry("trainers.losses.rkd_angle:RKDAngle", "trainers.losses.params.rkd_angle:RKDAngleParams"),
    "semantic": Entry("trainers.losses.semantic:Semantic", "trainers.losses.params.semantic:SemanticParams"),
    "dask": Entry("trainers.losses.vskd_dask:DASK", "trainers.losses.params.vskd_dask:DASKParams"),
}
