"""Models of timm (PyTorch Image Models), where it is installed, up to their pooled features."""

from __future__ import annotations

import difflib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from pipeline.errors import ConfigError, StepError
from pipeline.stages.encode.video.networks.body import Body, initialised
from pipeline.stages.encode.video.weights import Weights, load_state, read_file

PREFIX = "timm/"


def build(backbone: str, weights: str, file: Path | None) -> Body:
    """Build ``timm/NAME``, load its weights strictly, and take its head off.

    Images are normalised as the weights' tag says, or, of weights without one, the model's first.

    Raises
    ------
    ConfigError
        There is no such model or tag, or the file's weights do not fit.
    StepError
        timm is not installed, or its weights cannot be had.
    """
    try:
        import timm
    except ImportError as error:
        remedy = "pip install timm, where this runs"
        raise StepError(f"backbone: {backbone} is a model of timm, which is not installed; {remedy}") from error
    name = backbone.removeprefix(PREFIX)
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.4)
        hint = (
            f"did you mean {' or '.join(PREFIX + each for each in close)}?" if close else "timm.list_models() has all"
        )
        raise ConfigError(f"backbone: timm {version('timm')} has no model {name!r}; {hint}")
    by_tag = weights != "none" and not weights.endswith((".pth", ".safetensors"))
    if by_tag:
        _check_tag(name, weights)
    with initialised():
        network: Any = _pretrained(name, weights) if by_tag else timm.create_model(name)
    about = network.pretrained_cfg
    network.reset_classifier(0)
    if by_tag:
        origin = location = f"timm {name}.{weights}"
    elif weights == "none":
        origin = location = "none (random projections)"
    else:
        path = file or Path(weights)
        origin, location = path.name, str(path)
        _load(network, path, backbone, about["classifier"])
    loaded = Weights(origin, location, tuple(about["mean"]), tuple(about["std"]))
    return Body(network, loaded, {"timm": version("timm")}, side=about["input_size"][-1])


def _check_tag(name: str, tag: str) -> None:
    import timm

    tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
    if tag not in tags:
        known = f"only {', '.join(tags)}" if tags else "none at all"
        raise ConfigError(f"weights: timm has no weights {tag!r} for {name}, {known}; or give a file, or none")


def _pretrained(name: str, tag: str) -> nn.Module:
    """Build a model with the weights of a tag, all of them: timm leaves some out where the head is another."""
    import timm

    try:
        network: nn.Module = timm.create_model(f"{name}.{tag}", pretrained=True)
    except (OSError, RuntimeError, ValueError) as error:
        what = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise StepError(
            f"weights: {name}.{tag} is not in this machine's cache of the hub and cannot be downloaded ({what}). "
            f"Load it elsewhere by timm.create_model('{name}.{tag}', pretrained=True), save its state_dict as "
            ".safetensors, and name that file by weights:"
        ) from error
    return network


def _load(network: nn.Module, path: Path, backbone: str, classifier: str | tuple[str, ...]) -> None:
    """Load a file's weights but those of the head, of which there may be any number of classes."""
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier or ())
    state = {key: value for key, value in read_file(path).items() if key.rpartition(".")[0] not in heads}
    load_state(network, state, backbone, str(path), f"Give the state_dict of {backbone}, or name the model of the file")
