"""torchvision's weights for a network without its head and with another number of channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

from trainers.errors import TrainingError
from trainers.models.images.backbones import Backbone

COUNTER = "num_batches_tracked"  # of training steps; older files lack it


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
    _check(backbone.name, shapes, {key: tuple(value.shape) for key, value in body.items()})
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


def _check(name: str, wanted: Mapping[str, tuple[int, ...]], given: Mapping[str, tuple[int, ...]]) -> None:
    wrong = [key for key in wanted if key in given and given[key] != wanted[key]]
    problems = [
        *_list_keys("lacks", (key for key in wanted if key not in given and COUNTER not in key)),
        *_list_keys("has unknown", (key for key in given if key not in wanted)),
        *(f"{key} is {given[key]} instead of {wanted[key]}" for key in wrong[:1]),
    ]
    if problems:
        raise TrainingError(
            f"weights: no state of {name}: {'; '.join(problems)}. Give the state_dict of torchvision's {name}, "
            "name the model that these weights belong to, or say weights: none"
        )


def _list_keys(what: str, keys: Iterable[str]) -> list[str]:
    first, *others = list(keys) or [""]
    more = f" and {len(others)} more" if others else ""
    return [f"{what} {first}{more}"] if first else []
