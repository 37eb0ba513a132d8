"""Where a report is written: only in place of what an earlier report wrote."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.keys.cache import write_atomically
from pipeline.report.html.page import MADE_BY

_HEAD = 4096  # bytes at a file's start, which hold what made it
_LIST = ".pipeline-report"  # in a folder: what made it, and below which files are of it


def check_file(file: Path, option: str, example: str) -> None:
    """Raise ConfigError where a file cannot be written, or another program's or person's is there."""
    given = f"{option} {file}"
    if file.is_dir():
        raise ConfigError(f"{given}: is a folder\n  name a file in it: {option} {file / example}")
    if not file.parent.is_dir():
        raise ConfigError(f"{given}: there is no folder {file.parent}\n  make it, or name another place")
    if file.exists() and not _is_ours(file):
        raise ConfigError(f"{given}: is there already, and not made by `pipeline report`\n  choose another name")
    if not os.access(file.parent, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise ConfigError(f"{given}: cannot be written there: no permission\n  name another place")


def check_folder(folder: Path, option: str) -> None:
    """Raise ConfigError where a folder can neither be made nor written to, or holds what is another's."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{option} {folder}: is no folder\n  name a folder, which need not be there yet")
    if not folder.exists() and not folder.parent.is_dir():
        raise ConfigError(f"{option} {folder}: there is no folder {folder.parent}\n  make it, or name another place")
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        raise ConfigError(f"{option} {folder}: cannot be written there: no permission\n  name another place")
    if folder.exists() and not _is_ours(folder / _LIST) and any(folder.iterdir()):
        remedy = "choose another name, or an empty folder"
        raise ConfigError(f"{option} {folder}: is not empty, and not made by `pipeline report`\n  {remedy}")


def write_text(file: Path, text: str) -> None:
    """Write a file; it is there whole, or as it was before."""
    write_atomically(file, text.encode())


def write_files(folder: Path, ending: str, texts: Mapping[str, str]) -> None:
    """Write files of one ending by their names, in place of those of this ending that an earlier report wrote.

    ConfigError where a file of such a name is another's; then none is written.
    """
    folder.mkdir(exist_ok=True)
    before = _listed(folder)
    new = {f"{name}{ending}": text for name, text in texts.items()}
    if others := [name for name in new if name not in before and (folder / name).exists()]:
        raise ConfigError(f"{folder / others[0]}: is there already, and not made by `pipeline report`\n  move it away")
    _list(folder, {*before, *new})
    for name, text in new.items():
        write_text(folder / name, text)
    earlier = {name for name in before if name.endswith(ending)} - new.keys()
    for name in earlier:
        (folder / name).unlink(missing_ok=True)
    _list(folder, {*before, *new} - earlier)


def _listed(folder: Path) -> set[str]:
    if not _is_ours(folder / _LIST):
        return set()
    return {Path(line).name for line in (folder / _LIST).read_text(encoding="utf-8", errors="replace").splitlines()[1:]}


def _list(folder: Path, names: Iterable[str]) -> None:
    write_text(folder / _LIST, "".join(f"{line}\n" for line in [MADE_BY, *sorted(names)]))


def _is_ours(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return MADE_BY.encode() in opened.read(_HEAD)
    except OSError:
        return False
