"""Parameters of the losses. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=1e9)]
Temperature = Annotated[float, Meta(gt=0, le=1e6)]


class DMFTKDParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of eq. 15's loss; the paper states none of them.

    Attributes
    ----------
    w_cs
        Weight of the hard loss, the cross entropy with the labels.
    weights
        Weight of each student stream's soft loss, by its name (``skeleton/temporal``); together 1 - w_cs.
        None: all alike.
    temperature
        Softens teacher and student (eq. 13).
    scale_by_temperature
        Multiply the divergences by the temperature squared, which keeps their gradients' size (Hinton et
        al.).
    target
        ``streams``: each student stream follows the teacher's stream of the same name; ``fused``: each
        follows the teacher's vote. The latter also where teacher and student have different streams.
    """

    w_cs: Share = 0.5
    weights: dict[str, Share] | None = None
    temperature: Temperature = 4.0
    scale_by_temperature: bool = True
    target: Literal["streams", "fused"] = "streams"


class WeightedParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Of a loss with one soft loss, see `trainers.losses.distillation`.

    Attributes
    ----------
    hard
        Weight of the hard loss, the cross entropy with the labels.
    weight
        Weight of the soft loss. Defaults are those of its authors for classification, as they stand in
        RepDistiller (Tian et al. 2020); of the semantic loss that of VSKD.
    """

    hard: Weight = 1.0
    weight: Weight = 1.0


class HintonParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of soft targets.

    Attributes
    ----------
    temperature
        Softens teacher and student.
    scale_by_temperature
        As for eq. 15's loss.
    """

    hard: Weight = 0.1
    weight: Weight = 0.9
    temperature: Temperature = 4.0
    scale_by_temperature: bool = True


class AttentionParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of attention transfer."""

    weight: Weight = 1000.0


class SimilarityParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of the similarity-preserving loss."""

    weight: Weight = 3000.0


class RKDDistanceParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of the relational loss on distances."""

    weight: Weight = 25.0


class RKDAngleParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of the relational loss on angles."""

    weight: Weight = 50.0


class SemanticParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of the mean squared error of embeddings."""


class DASKParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of VSKD's eq. 9, beside a hard loss of weight 1; a soft loss of weight 0 is not computed.

    Attributes
    ----------
    alpha
        Weight of the soft targets (eq. 2-3, with the temperature squared).
    temperature
        Softens teacher and student.
    distance, angle
        Weights of the relational losses, eq. 9's beta of each.
    semantic
        Weight of the mean squared error of embeddings, eq. 9's gamma.
    """

    alpha: Weight = 0.01
    temperature: Temperature = 4.0
    distance: Weight = 1.0
    angle: Weight = 1.0
    semantic: Weight = 1.0
