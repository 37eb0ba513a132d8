"""Stages files of data sets that the program knows: by a source of their own, or by a recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.init.write import flow, yaml_text

_RECIPES = Path(__file__).resolve().parents[2] / "recipes"
_SERIES = {"stage": "train", "needs": ["encode"], "model": "cnn1d"}
_FUSED = {"stage": "train", "needs": ["encode"], "model": {"name": "dmft", "layers": 1}}
_KNOWN: Mapping[str, tuple[str, str]] = {  # name: protocol, the modality that is taken where several are one sensor's
    "utd-mhad": ("subject-50-50", "inertial"),
    "berkeley-mhad": ("subjects-1-7", "left-wrist"),
    "mmact": ("cross-subject", "inertial"),
    "sample": ("subject-50-50", "inertial"),
}
_PARTS = {"accelerometer", "gyroscope", "phone", "watch"}  # of a modality that has more


def names() -> list[str]:
    """Return the names of the data sets that are known."""
    recipes = sorted(path.stem for path in _RECIPES.glob("*.yaml"))
    return [*_KNOWN, *(name for name in recipes if name not in _KNOWN)]


def known_text(name: str, root: Path | None, written: str) -> str:
    """Return the stages file of a data set.

    Parameters
    ----------
    root
        Where it lies; None for what needs no folder.
    written
        How the stages file says that.

    Raises
    ------
    ConfigError
        An unknown name, or a folder that does not hold that data set.
    """
    if name in _KNOWN:
        return _of_source(name, root, written)
    recipe = _RECIPES / f"{name}.yaml"
    if name not in names():
        raise ConfigError(f"--dataset {name}: is not known\n  known: {', '.join(names())}; leave it out for any folder")
    if root is None:
        raise _wants_folder(name)
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder\n  give the one that holds {name}")
    text = re.sub(r"(?m)^store: .*", "store: .store", recipe.read_text(encoding="utf-8"), count=1)
    place = re.compile(r"(?m)^(\s+root:|\s*source: \{.*?\broot:)\s*[^,}\n#]*[^,}\n#\s]")
    return place.sub(lambda match: f"{match[1]} {flow(written)}", text, count=1)


def _wants_folder(name: str) -> ConfigError:
    return ConfigError(f"--dataset {name}: lies in a folder\n  give it: pipeline init DIR --dataset {name}")


def _of_source(name: str, root: Path | None, written: str) -> str:
    from pipeline.registry import SOURCES, import_object

    protocol, single = _KNOWN[name]
    params = import_object(SOURCES[name].params)
    source: dict[str, Any] = {"name": name}
    if name == "sample":
        modalities = {"skeleton": "skeleton", "inertial": "series"}
    else:
        if root is None:
            raise _wants_folder(name)
        source["root"] = written
        made = import_object(SOURCES[name].build)(root, params(root=str(root)))
        present = {stream for each in made.list().recordings for stream in each.streams}
        modalities = {key: each.kind for key, each in made.modalities.items() if {*each.streams} <= present}
    wanted = [key for key, kind in modalities.items() if kind != "series"]
    series = [key for key, kind in modalities.items() if kind == "series" and key not in _PARTS]
    wanted += [single] if single in modalities else series[:1]
    videos = [key for key in wanted if modalities[key] == "video"]
    encode = {key: {"backbone": "resnet18", "weights": "none", "image_size": 112, "patches": 10} for key in videos}
    alone = len(wanted) == 1 and modalities[wanted[0]] == "series"
    document = {
        "store": ".store",
        "source": source,
        "modalities": wanted,
        "protocol": protocol,
        "seeds": [0, 1, 2],
        "stages": {"encode": encode, "model": _SERIES if alone else _FUSED, "evaluate": {"needs": ["model"]}},
    }
    left = [key for key in modalities if key not in wanted]
    comments = {"modalities": f"there are {', '.join(left)} as well" if left else "all that are there"}
    weights = (
        "random weights: features are random projections. Pretrained: {backbone: resnet50, weights: IMAGENET1K_V1}"
    )
    comments |= {f"stages.encode.{key}": f"`weights: none`: {weights}" for key in videos}
    return yaml_text(document, comments, f"{name}; docs/datasets/{name}.md says what it holds. Run: pipeline run")
