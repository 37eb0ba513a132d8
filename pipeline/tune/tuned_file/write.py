"""What a search writes beside the stages file: the same file with what was found, and the trail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.formatting import counted
from pipeline.plan.planner import Plan
from pipeline.report.html.places import write_text
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.settings import are_locations, with_settings
from pipeline.tune.searches import Tuned
from pipeline.tune.trail.records import Trail, as_csv, as_json
from pipeline.tune.trail.text import figure
from pipeline.tune.tuned_file.edit import with_values

_HEAD = "# found by `pipeline tune`"
_SCHEMA = "# yaml-language-server:"


def tuned_path(path: Path, output: Path | None) -> Path:
    """Return where the tuned file goes; ConfigError where that is another folder, or somebody's own file."""
    chosen = output or path.with_name(f"{path.stem}.tuned{path.suffix or '.yaml'}")
    if chosen.absolute().parent.resolve() != path.absolute().parent.resolve():
        raise ConfigError(
            f"-o {chosen}: is not beside {path}, whose paths are relative to its folder\n  name a file there"
        )
    if chosen.exists() and not _is_tuned(chosen):
        raise ConfigError(f"{chosen}: is there, and no file of this command\n  name another with -o, or remove it")
    return chosen


def _is_tuned(path: Path) -> bool:
    try:
        return any(line.startswith(_HEAD) for line in path.read_text(encoding="utf-8").splitlines()[:2])
    except (OSError, UnicodeDecodeError):
        return False


def trail_paths(target: Path) -> tuple[Path, Path]:
    """Return where the trail goes, as JSON and as CSV: ``stages.tune.json`` beside ``stages.tuned.yaml``."""
    stem = target.stem.removesuffix(".tuned")
    return target.with_name(f"{stem}.tune.json"), target.with_name(f"{stem}.tune.csv")


def write_trails(target: Path, trails: Sequence[Trail]) -> None:
    """Write the trails beside the stages file that is to be written."""
    for place, text in zip(trail_paths(target), (as_json(trails), as_csv(trails)), strict=True):
        write_text(place, text)


def write_tuned(base: Plan, tuned: Tuned, target: Path) -> None:
    """Write the stages file with what was found in place, or for each of several folds its own below ``by_fold``."""
    document = read_document(base.path, base.snapshot.text)
    said = [(key, value) for key, value in base.snapshot.settings if not are_locations([(key, value)])]
    said = [(key, value) for key, value in said if key.split(".")[0] != "tune"]
    document = with_settings(document, said, "--set")
    before: dict[str, Any] = document.values.get("by_fold") or {}
    if before or (len(tuned.found) > 1 and any(tuned.found.values())):
        document.values["by_fold"] = {fold: {**before.get(fold, {}), **found} for fold, found in tuned.found.items()}
    elif len(tuned.found) == 1:
        document = with_settings(document, next(iter(tuned.found.values())).items(), "tune")
    text = with_values(base.snapshot.text, document.values)
    first, newline, rest = text.partition("\n")
    head = "\n".join(f"# {line}" if number else line for number, line in enumerate(_head(base, tuned, target)))
    write_text(target, f"{first}{newline}{head}\n{rest}" if first.startswith(_SCHEMA) else f"{head}\n{text}")


def _head(base: Plan, tuned: Tuned, target: Path) -> list[str]:
    lines = [f"{_HEAD} from {base.path.name}; the trail of trials is {trail_paths(target)[0].name}"]
    for trail, key in zip(tuned.trails, tuned.keys, strict=True):
        for fold in trail.folds:
            if fold.best is None:
                continue
            best, inner = fold.trials[fold.best], counted(len(fold.inner), "inner fold")
            where = f"{inner} of {fold.fold} by {fold.by}" if len(trail.folds) > 1 else f"{inner} by {fold.by}"
            own = f"the file's own {figure(fold.trials[0])}" if fold.best else "the file's own settings"
            lines.append(f"{trail.entry}: trial {fold.best} of {len(fold.trials)}, {figure(best)} on {where}; {own}")
        lines.append(f"in the store: tune/{key[:12]}")
    return lines
