"""Weights of a network: by torchvision's enumerated name, from a file, or random; loaded strictly."""

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
from pipeline.stages.encode.video import bn_inception
from trainers.models.state_problems import COUNTER, state_problems

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
_ROW = re.compile(r"_bn\.(weight|bias|running_mean|running_var)$")  # (1, C) in files ported from Caffe


@dataclass(frozen=True)
class Weights:
    """Where weights come from, and the statistics of RGB in 0..1 that their network was trained with."""

    origin: str  # for provenance
    location: str  # the file or URL, for messages
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)


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
        return _weights(model, "none (random projections)", "none")
    state, found = read_state(model, weights, file)
    owner = "pretrained-models.pytorch's" if model == bn_inception.NAME else "torchvision's"
    remedy = f"Give the state_dict of {owner} {model}, or name the backbone that it belongs to"
    load_state(network, state, model, found.location, remedy)
    return found


def read_state(model: str, weights: str, file: Path | None) -> tuple[dict[str, Tensor], Weights]:
    """Read a model's state, its tensors named and shaped as the model has them today.

    Parameters
    ----------
    model
        By torchvision's name, or ``bn_inception``.
    weights
        A name of torchvision's enumeration, or a .pth or .safetensors file; not ``none``.
    file
        Where that file lies; None: `weights` is its path.

    Raises
    ------
    ConfigError
        There is no such enumeration or file, or no state in it.
    StepError
        Enumerated weights are not cached and cannot be downloaded.
    """
    if weights.endswith((".pth", ".safetensors")):
        path = file or Path(weights)
        return _modern(read_file(path)), _weights(model, path.name, str(path))
    if model == bn_inception.NAME:
        raise ConfigError(
            f"weights: torchvision has no {model}, so {weights!r} names none; give its .pth or .safetensors file "
            "(pretrained-models.pytorch's bn_inception-52deb4733.pth), or none"
        )
    enumeration = torchvision.models.get_model_weights(model)
    if weights not in enumeration.__members__:
        names = ", ".join(name for name in enumeration.__members__ if name != "DEFAULT") or "none"
        raise ConfigError(
            f"weights: torchvision has no weights {weights!r} for {model}, only {names}; "
            "a file must end in .pth or .safetensors"
        )
    chosen = enumeration[weights]
    state = _modern(_download(chosen, f"{model} {chosen.name}"))
    transforms = chosen.transforms()
    return state, Weights(str(chosen), chosen.url, tuple(transforms.mean), tuple(transforms.std))


def _weights(model: str, origin: str, location: str) -> Weights:
    """Describe weights that do not say how their network was trained."""
    if model == bn_inception.NAME:
        return Weights(origin, location, tuple(value / 255 for value in bn_inception.MEAN), (1 / 255,) * 3)
    return Weights(origin, location)


def _modern(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo what older files did otherwise."""
    return {
        _OLD_DENSENET.sub(r"\1\2", key): value.flatten() if _ROW.search(key) else value for key, value in state.items()
    }


def read_file(path: Path) -> Mapping[str, Tensor]:
    """Read a state from a file, without executing anything in it.

    ConfigError where it has none; StepError for an error of the system.
    """
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
        if isinstance(error, OSError) and error.errno is not None:
            message = f"weights: {path}: {error.strerror}; that is an error of the system, not of the file"
            raise StepError(f"{message}: check the disk, the mount, permissions and limits, and run again") from error
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


def load_state(network: nn.Module, state: Mapping[str, Tensor], model: str, location: str, remedy: str) -> None:
    """Load a state that must hold exactly this network's tensors; ConfigError where it does not."""
    own, given = (
        {key: tuple(value.shape) for key, value in each.items() if COUNTER not in key}
        for each in (network.state_dict(), state)
    )
    if problems := state_problems(own, given):
        raise ConfigError(f"weights: {location} is a wrong weights file for {model}: {'; '.join(problems)}. {remedy}")
    # Not strict for the counters' sake alone: all else was compared above, with a message that names the file.
    network.load_state_dict(state, strict=False)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
