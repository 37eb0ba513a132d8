"""Stages files of data sets that the program knows: by a source of their own, or by a recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.init.write import flow, yaml_text
from pipeline.sources.folder.listing.patterns import Pattern
from pipeline.sources.folder_listing import walk
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.schema import did_you_mean

_RECIPES = Path(__file__).parent / "recipes"
_SERIES = {"stage": "train", "needs": ["encode"], "model": "cnn1d"}
_FUSED = {"stage": "train", "needs": ["encode"], "model": {"name": "dmft", "layers": 1}}
_KNOWN: Mapping[str, tuple[str, str]] = {  # name: protocol, the modality that is taken where several are one sensor's
    "utd-mhad": ("subject-50-50", "inertial"),
    "berkeley-mhad": ("subjects-1-7", "left-wrist"),
    "mmact": ("cross-subject", "inertial"),
}
_SAMPLE = "sample"  # the one recipe without a folder
_LEVELS = 4  # of folders below the one that is given, in which files are looked for
_PARTS = {"accelerometer", "gyroscope", "phone", "watch"}  # of a modality that has more


def names() -> list[str]:
    """Return the names of the data sets that are known."""
    recipes = sorted(path.stem for path in _RECIPES.glob("*.yaml"))
    return [*_KNOWN, _SAMPLE, *(name for name in recipes if name != _SAMPLE)]


def known_text(name: str, root: Path | None, written: str, path: Path, run: str) -> str:
    """Return the stages file of a data set.

    Parameters
    ----------
    root
        Where it lies; None for what needs no folder.
    written
        How the stages file says that.
    path
        Of the stages file.
    run
        The command that runs it.

    Raises
    ------
    ConfigError
        An unknown name, or a folder that does not hold that data set.
    """
    if name in _KNOWN:
        return _of_source(name, root, written, run)
    if name not in names():
        raise ConfigError(
            f"--dataset {name}: is not known\n  {did_you_mean(name, names())}; leave it out for any folder"
        )
    text = (_RECIPES / f"{name}.yaml").read_text(encoding="utf-8")
    if name == _SAMPLE:
        if root is not None:
            raise ConfigError("--dataset sample: is computed, and lies in no folder\n  leave DIR out")
        return text
    if root is None:
        raise _wants_folder(name)
    _check_place(name, root, read_document(path, text).values["source"])
    text = re.sub(r"(?m)^#     pipeline init DIR --dataset \S+ +# DIR", f"#     {run}     # source.root", text, count=1)
    place = re.compile(r"(?m)^(\s+root:|\s*source: \{.*?\broot:)\s*[^,}\n#]*[^,}\n#\s]")
    return place.sub(lambda match: f"{match[1]} {flow(written)}", text, count=1)


def _check_place(name: str, root: Path, source: Mapping[str, Any]) -> None:
    """Look whether a folder has files that a recipe is about: ConfigError where it has none."""
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder\n  give the one that holds {name}")
    files = [stream.get("files", []) for stream in source["streams"].values()]
    patterns = [Pattern.parse(text) for each in files for text in ([each] if isinstance(each, str) else each)]
    below = ""
    for folder, entries in walk(root, ""):
        for entry in entries:
            parts = [*folder.split("/"), entry.name] if folder else [entry.name]
            for level in range(min(len(parts), _LEVELS)):
                if not any(pattern.match("/".join(parts[level:])) for pattern in patterns):
                    continue
                if level == 0:
                    return
                below = below or "/".join(parts[:level])
    wanted = f"files like {patterns[0].text}" if patterns else "its files"
    where = f"they lie in {root / below}: give that" if below else f"docs/datasets/{name}.md says what DIR is to hold"
    raise ConfigError(f"{root}: holds no {wanted}\n  {where}")


def _wants_folder(name: str) -> ConfigError:
    return ConfigError(f"--dataset {name}: lies in a folder\n  give it: pipeline init DIR --dataset {name}")


def _of_source(name: str, root: Path | None, written: str, run: str) -> str:
    from pipeline.registry import SOURCES, import_object

    protocol, single = _KNOWN[name]
    params = import_object(SOURCES[name].params)
    if root is None:
        raise _wants_folder(name)
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
        "source": {"name": name, "root": written},
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
    return yaml_text(document, comments, f"{name}; docs/datasets/{name}.md says what it holds. Run: {run}")
