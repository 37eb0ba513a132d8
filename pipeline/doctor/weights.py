"""Whether pretrained weights are on this machine. Nothing is downloaded, nor is torchvision imported."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import NamedTuple

from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.formatting import size
from pipeline.stagesfile.experiment import Point
from store import expand_home

TOPIC = "weights"
_FILES = (".pth", ".safetensors")
_TIMM = "timm/"


class Named(NamedTuple):
    """Weights as a stages file names them, and where it does."""

    point: Point
    place: str
    value: str


def look(named: Named) -> Iterator[Finding]:
    """Say whether a file of weights is there, and for enumerated ones, whether they were downloaded before."""
    point, place, value = named
    network = network_of(point, place)
    if value == "none" and ":" in network:
        yield ok(TOPIC, f"{place}: none but what {network} makes")
    elif value == "none":
        yield note(TOPIC, f"{place}: none, so that features are random projections", "name pretrained weights")
    elif value.endswith(_FILES):
        path = point.document.path.absolute().parent / expand_home(value)
        try:
            if path.is_file():
                yield ok(TOPIC, f"{place}: {path}, {size(path.stat().st_size)}")
            else:
                yield problem(TOPIC, f"{place}: there is no file {path}", "fetch it, or give the path of one, or none")
        except OSError as error:
            yield problem(TOPIC, f"{place}: {path}: {error.strerror}", "check that place and its permissions")
    elif network.startswith(_TIMM):
        yield _tagged(place, network.removeprefix(_TIMM), value)
    else:
        yield _enumerated(place, network, value)


def _enumerated(place: str, model: str, value: str) -> Finding:
    url = url_of(model, value)
    if url is None:
        repair = "see torchvision's names: torchvision.models.get_model_weights(NAME)"
        return problem(TOPIC, f"{place}: torchvision here has no weights {value} of {model}", repair)
    file = hub_folder() / "checkpoints" / url.rsplit("/", 1)[-1]
    if file.is_file():
        return ok(TOPIC, f"{place}: {model} {value} is in {file}")
    repair = f"without a network, download {url} elsewhere and put it there"
    return note(TOPIC, f"{place}: {model} {value} will be downloaded to {file}", repair)


def _tagged(place: str, model: str, tag: str) -> Finding:
    if util.find_spec("timm") is None:
        return problem(TOPIC, f"{place}: timm is not installed here", "pip install timm")
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        file = try_to_load_from_cache(f"timm/{model}.{tag}", "model.safetensors")
    except HFValidationError:
        return problem(TOPIC, f"{place}: {model}.{tag} can be no name on timm's hub", "see timm.list_pretrained()")
    if isinstance(file, str):
        return ok(TOPIC, f"{place}: timm's {model}.{tag} is in {file}")
    folder = Path(constants.HF_HUB_CACHE) / f"models--timm--{model}.{tag}"
    repair = "without a network, bring that folder from elsewhere, or the weights as a file"
    return note(TOPIC, f"{place}: timm's {model}.{tag} will be downloaded to {folder}", repair)


def network_of(point: Point, place: str) -> str:
    """Return which network the weights at a key are of: the key beside it, or that key's default."""
    from pipeline.stages.encode.video.params import VideoParams

    _, entry, section, *_ = place.split(".")
    body = point.entries[entry].body.get(section)
    if section == "model":
        return str(body.get("name") if isinstance(body, dict) else body)
    network = body.get("backbone", VideoParams().backbone) if isinstance(body, dict) else VideoParams().backbone
    return str(network.get("name") if isinstance(network, dict) else network)


def hub_folder() -> Path:
    """Return where torch keeps what it downloads (`torch.hub.get_dir`, without importing torch)."""
    if home := os.environ.get("TORCH_HOME"):
        return expand_home(home) / "hub"
    return expand_home(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch" / "hub"


def url_of(model: str, weights: str) -> str | None:
    """Return the URL of torchvision's weights, read from its source text; None where it has none of that name."""
    spec = util.find_spec("torchvision")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for file in sorted(path for folder in folders for path in Path(folder, "models").glob("*.py")):
        text = file.read_text(encoding="utf-8")
        if f"def {model}(" in text:
            return _url_in(ast.parse(text), model, weights)
    return None


def _url_in(module: ast.Module, model: str, weights: str) -> str | None:
    """Find the enumeration in the annotation of the model's `weights`, and the URL of a member."""
    builder = next(each for each in module.body if isinstance(each, ast.FunctionDef) and each.name == model)
    annotations = [arg.annotation for arg in builder.args.kwonlyargs if arg.arg == "weights" and arg.annotation]
    names = {node.id for each in annotations for node in ast.walk(each) if isinstance(node, ast.Name)}
    classes = [each for each in module.body if isinstance(each, ast.ClassDef) and each.name in names]
    for line in (line for each in classes for line in each.body):
        if not isinstance(line, ast.Assign) or not isinstance(line.value, ast.Call):
            continue
        if isinstance(name := line.targets[0], ast.Name) and name.id == weights:
            urls = [key.value for key in line.value.keywords if key.arg == "url"]
            return next((str(url.value) for url in urls if isinstance(url, ast.Constant)), None)
    return None
