"""Names of the models in a stages file: where class and parameters live. Strings only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from trainers.data.input_names import Form


class Entry(NamedTuple):
    """``module:name`` of a model's class and of its parameters.

    Attributes
    ----------
    takes, single
        Which form of a modality it takes, and whether of one only.
    stacks
        Whether several can train as one, see `trainers.fit.stacked`: not where it has random draws of its own.
    solved
        Whether it is solved in closed form instead of descended, see `trainers.fit.closed_form`.
    """

    build: str
    params: str
    takes: Form = "patches"
    single: bool = False
    stacks: bool = True
    solved: bool = False


MODELS: Mapping[str, Entry] = {
    "dmft": Entry("trainers.models.dmft.teacher:DMFTTeacher", "trainers.models.dmft.params:TeacherParams"),
    "dmft-lite": Entry("trainers.models.dmft.student:DMFTStudent", "trainers.models.dmft.params:StudentParams"),
    "trn": Entry("trainers.models.trn.model:TRN", "trainers.models.trn.params:TRNParams", single=True, stacks=False),
    "resnet18": Entry(
        "trainers.models.images.student:ResNet18", "trainers.models.images.params:ImageNetworkParams", "images"
    ),
    "vgg16": Entry(
        "trainers.models.images.student:VGG16", "trainers.models.images.params:ImageNetworkParams", "images"
    ),
    "cnn1d": Entry("trainers.models.cnn1d.model:CNN1D", "trainers.models.cnn1d.params:CNN1DParams", "series"),
    "early-fusion": Entry("trainers.models.fusion.early:EarlyFusion", "trainers.models.fusion.params:FusionParams"),
    "late-fusion": Entry("trainers.models.fusion.late:LateFusion", "trainers.models.fusion.params:FusionParams"),
    "keyless": Entry("trainers.models.keyless.model:Keyless", "trainers.models.keyless.params:KeylessParams"),
    "hamlet": Entry("trainers.models.hamlet.model:Hamlet", "trainers.models.hamlet.params:HamletParams"),
    "gimme-signals": Entry(  # EfficientNet's stochastic depth draws for itself
        "trainers.models.signals.model:GimmeSignals",
        "trainers.models.signals.params:SignalsParams",
        "series",
        stacks=False,
    ),
    "rocket": Entry(
        "trainers.models.rocket.model:Rocket",
        "trainers.models.rocket.params:RocketParams",
        "series",
        stacks=False,
        solved=True,
    ),
    "ridge": Entry(
        "trainers.models.ridge.model:Ridge", "trainers.models.ridge.params:RidgeParams", stacks=False, solved=True
    ),
}
