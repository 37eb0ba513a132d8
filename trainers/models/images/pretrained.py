"""torchvision's weights for a network without its head and with another number of channels."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from trainers.errors import TrainingError
from trainers.models.images.backbones import Backbone
from trainers.models.state_problems import state_problems


def load_backbone(backbone: Backbone, state: Mapping[str, Tensor]) -> None:
    """Load torchvision's state of the same network, which is for images of three channels; a head in it is dropped.

    Raises
    ------
    TrainingError
        A tensor is missing, unknown or of another shape; nothing has been loaded then.
    """
    own = {backbone.prefix + key: value for key, value in backbone.layers.state_dict().items()}
    first = f"{backbone.prefix}{backbone.first}.weight"
    shapes = {key: tuple(value.shape) for key, value in own.items()}
    channels = shapes[first][1]
    shapes[first] = (shapes[first][0], 3, *shapes[first][2:])
    body = {key: value for key, value in state.items() if key not in backbone.head}
    if problems := state_problems(shapes, {key: tuple(value.shape) for key, value in body.items()}):
        raise TrainingError(
            f"weights: no state of {backbone.name}: {'; '.join(problems)}. Give the state_dict of torchvision's "
            f"{backbone.name}, name the model that these weights belong to, or say weights: none"
        )
    body[first] = adapt_channels(body[first], channels)
    loaded = {key.removeprefix(backbone.prefix): value for key, value in (own | body).items()}
    backbone.layers.load_state_dict(loaded)


def adapt_channels(weight: Tensor, channels: int) -> Tensor:
    """Make a first convolution's weights (O, 3, h, w) ones for other channels, (O, C, h, w).

    Every channel gets the mean over RGB times 3 / C, so that a grey image gives what it gave, whatever the number
    of its copies. Three channels stay as they are.
    """
    if channels == 3:
        return weight
    return weight.mean(1, keepdim=True).repeat(1, channels, 1, 1) * (3 / channels)
