"""Weights of a torchvision network: by enumerated name, from a file, or random; loaded strictly."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import safetensors
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.errors import ConfigError, StepError
from pipeline.stages.encode.video_params import is_weights_file

_UNUSED = "num_batches_tracked"  # a counter of training that older files lack
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


@dataclass(frozen=True)
class Weights:
    """Where weights come from, and the statistics of RGB in 0..1 that their network was trained with."""

    origin: str
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


def load_weights(network: nn.Module, model: str, weights: str, file: Path | None) -> Weights:
    """Load weights into a freshly built network; ``none`` leaves it as it is.

    Raises
    ------
    ConfigError
        There is no such enumeration or file, or what it holds is not this model's state.
    StepError
        Enumerated weights are not cached and cannot be downloaded.
    """
    if weights == "none":
        return Weights("none (random projections)")
    if is_weights_file(weights):
        path = file or Path(weights)
        _load(network, _read(path), model, str(path))
        return Weights(path.name)
    enumeration = torchvision.models.get_model_weights(model)
    if weights not in enumeration.__members__:
        raise ConfigError(
            f"weights: torchvision has no weights {weights!r} for {model}, only "
            f"{', '.join(enumeration.__members__) or 'none'}; a file must end in .pth or .safetensors"
        )
    chosen = enumeration[weights]
    _load(network, _download(chosen, f"{model} {chosen.name}"), model, chosen.url)
    transforms = chosen.transforms()
    return Weights(str(chosen), tuple(transforms.mean), tuple(transforms.std))


def _read(path: Path) -> Mapping[str, Any]:
    """Read a state from a file, without executing anything in it."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ConfigError(
            f"weights: no such file: {path}; give a .pth or .safetensors file, torchvision's name, or none"
        ) from None
    except (
        OSError,
        RuntimeError,
        EOFError,
        ValueError,
        pickle.UnpicklingError,
        safetensors.SafetensorError,
    ) as error:
        raise ConfigError(f"weights: {path} holds no weights ({_first_line(error)}); fetch it again") from error
    if isinstance(state, Mapping):
        inner = state.get("state_dict", state)
        if isinstance(inner, Mapping) and all(isinstance(value, Tensor) for value in inner.values()):
            return inner
    raise ConfigError(f"weights: {path} holds no state_dict of tensors; save model.state_dict() alone")


def _download(chosen: Any, name: str) -> Mapping[str, Any]:
    """Take torchvision's weights from its cache, or download them into it, and check their hash."""
    cached = Path(torch.hub.get_dir()) / "checkpoints" / chosen.url.rsplit("/", 1)[-1]
    try:
        state: Mapping[str, Any] = chosen.get_state_dict(
            progress=False, check_hash=True, map_location="cpu", weights_only=True
        )
    except (URLError, OSError) as error:
        raise StepError(
            f"weights: {name} is not in {cached} and cannot be downloaded from {chosen.url} "
            f"({_first_line(error)}). Download it elsewhere and put it there, or set weights: to a local "
            ".pth or .safetensors file"
        ) from error
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise StepError(f"weights: {cached} is damaged ({_first_line(error)}); delete it and run again") from error
    return state


def _load(network: nn.Module, state: Mapping[str, Any], model: str, origin: str) -> None:
    """Load a state that must hold exactly this network's tensors."""
    state = {_OLD_DENSENET.sub(r"\1\2", key): value for key, value in state.items()}
    own = {key: tuple(value.shape) for key, value in network.state_dict().items() if _UNUSED not in key}
    given = {key: tuple(value.shape) for key, value in state.items() if _UNUSED not in key}
    wrong = [key for key in own if key in given and own[key] != given[key]]
    problems = [
        *_said("lacks", [key for key in own if key not in given]),
        *_said("has unknown", [key for key in given if key not in own]),
        *(f"{key} is {given[key]} instead of {own[key]}" for key in wrong[:1]),
    ]
    if problems:
        raise ConfigError(
            f"weights: {origin} is a wrong weights file for {model}: {'; '.join(problems)}. "
            f"Give the state_dict of torchvision's {model}, or name the backbone that it belongs to"
        )
    network.load_state_dict(state, strict=False)  # strict but for the counters, as checked above


def _said(what: str, keys: list[str]) -> list[str]:
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return [f"{what} {keys[0]}{more}"] if keys else []


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
