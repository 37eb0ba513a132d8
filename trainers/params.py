"""Parameters of training as a user types them. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1, le=1_000_000)]
NotNegative = Annotated[float, Meta(ge=0, le=1e9)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
Mode = Literal["none", "global", "channel"]
HardLoss = Literal["streams", "joint"]
Pairing = Literal["recording", "copy", "class", "other-class"]


class FitParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The fit loop's parameters.

    Attributes
    ----------
    epochs, batch
        Passes over the training recordings, and recordings in a step (the last step of an epoch may have
        fewer, or one more).
    optimiser, lr, weight_decay
        AdamW or Adam (there the decay is L2), its peak learning rate.
    warmup, schedule
        Epochs of linear warm-up; then a cosine to zero at the last step, or a constant rate.
    clip
        Largest norm of the gradient; 0 does not clip.
    precision
        Of the forward pass; weights and optimiser stay in fp32.
    loss
        ``streams``: the sum of the streams' cross entropies; ``joint``: cross entropy of the log mean
        probability.
    label_smoothing
        Share of the target spread evenly over the classes.
    balance
        Whether classes of unequal size count alike: ``loss`` weighs the cross entropies by the inverse of the class's
        size, to one in the mean over the training recordings; ``sampling`` draws recordings with replacement, so that
        classes come equally often, as many in an epoch as there are.
    validation
        Share of the training side that is set apart, see `trainers.evaluation.validation`: nothing is fitted on it, and
        its loss and accuracy are taken after every epoch. 0 sets nothing apart.
    patience
        Stop after so many epochs in which the validation loss was no less than before, and keep the weights of the
        epoch where it was least. 0 trains all epochs and keeps the last.
    average
        Decay per step of an exponential moving average of the weights, which is the result in place of the last step's,
        see `trainers.fit.weights.average`; recordings set apart are tested with it, too. 0 averages nothing.
    LATER
        Fields that came when there were outputs already: at their default they enter no key.
    """

    LATER: ClassVar = ("balance", "validation", "patience", "average")

    epochs: Positive = 80
    batch: Positive = 32
    optimiser: Literal["adamw", "adam"] = "adamw"
    lr: Annotated[float, Meta(gt=0, le=1e38)] = 1e-3
    weight_decay: NotNegative = 1e-2
    warmup: NotNegative = 5.0
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: NotNegative = 1.0
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    loss: HardLoss = "streams"
    label_smoothing: Fraction = 0.0
    balance: Literal["none", "loss", "sampling"] = "none"
    validation: Fraction = 0.0
    patience: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    average: Fraction = 0.0

    def __post_init__(self) -> None:
        if self.patience and not self.validation:
            raise ValueError("patience: watches recordings set apart, and none are; add validation: 0.25, for example")


class AugmentParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Augmentation of aligned series before pooling; 0 turns a part off.

    Attributes
    ----------
    time_warp
        Standard deviation of the log speed at the knots of a smooth warp of time, one for all modalities.
    crop
        Largest share of a recording that is cut from either end.
    skeleton_rotation, inertial_rotation
        Standard deviation of an angle in degrees: about the vertical for skeletons; about a random axis, the
        same rotation for every triad of channels, for other series.
    scale
        Standard deviation of a recording's amplitude factor around 1.
    jitter
        Noise of each sample, as a share of the channel's standard deviation.
    feature_jitter
        The same for modalities that have features only.
    feature_warp
        Whether features without series follow the time warp and the crop, each patch being taken from the place nearest
        to its own in the warped time. Without it such a modality keeps its time, while that of others is moved.
    offset
        Standard deviation, in a series' own unit, of a constant that is added to each of its channels.
    virtual
        Probability with which a training recording's series is that of a virtual sensor (`trainers.data.virtual`).
    virtual_mounting
        How a virtual sensor is turned on its bone: as the real ones are (``fitted`` to the training recordings), or in
        each copy in a ``random`` way.
    modality_dropout
        Probability with which each modality that the trained model sees is absent from a recording, see
        `trainers.data.modality_dropout`; never all of them. A teacher sees all.
    mixup
        alpha of the Beta distribution by which recordings are mixed with others of the batch, and their labels in the
        hard loss, see `trainers.data.mixing.mixup`; a teacher sees the same mixture.
    LATER
        As `FitParams.LATER`.
    """

    LATER: ClassVar = ("feature_warp", "modality_dropout", "mixup", "offset", "virtual", "virtual_mounting")

    time_warp: Annotated[float, Meta(ge=0, le=10)] = 0.2  # beyond, a speed is no float32
    crop: Annotated[float, Meta(ge=0, lt=0.5)] = 0.08
    skeleton_rotation: NotNegative = 10.0
    inertial_rotation: NotNegative = 10.0
    scale: NotNegative = 0.1
    jitter: NotNegative = 0.02
    feature_jitter: NotNegative = 0.0
    feature_warp: bool = False
    modality_dropout: Fraction = 0.0
    mixup: Annotated[float, Meta(ge=0, le=100)] = 0.0
    offset: NotNegative = 0.0
    virtual: Annotated[float, Meta(ge=0, le=1)] = 0.0
    virtual_mounting: Literal["fitted", "random"] = "fitted"

    def __post_init__(self) -> None:
        if self.mixup and self.virtual:
            raise ValueError("mixup: mixes real recordings, and not virtual ones; leave out one of the two")


class StandardiseParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Standardisation by kind of modality, and of images of series, fitted on the training recordings.

    ``channel``: mean and deviation of every feature; ``global``: one of each for a group of like features
    (positions, velocities, window means, window deviations); ``none``: features as they are.
    """

    series: Mode = "channel"
    skeleton: Mode = "global"
    video: Mode = "channel"
    images: Mode = "none"
