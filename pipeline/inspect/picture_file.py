"""Where a picture is written: checked before anything is read, and never over another program's file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MADE_BY = "harvest: pipeline inspect"
_HEAD = 4096  # bytes at a file's start, which hold what made it


def check_picture(file: Path, form: str, option: str = "") -> None:
    """Raise ConfigError where a picture cannot be written, or stands in for a file that this did not make.

    `form` is what the file's name must end in: ``svg``, ``png`` or ``rrd``; and the option's name, where none is given.
    """
    named = option or form
    option = f"--{named} {file}"
    if file.is_dir():
        raise ConfigError(f"{option}: is a folder\n  name a file in it: --{named} {file / f'inspect.{form}'}")
    if file.suffix.lower() != f".{form}":
        raise ConfigError(f"{option}: does not end in .{form}\n  name the file to be written, such as inspect.{form}")
    parent = file.parent
    if not parent.is_dir():
        raise ConfigError(f"{option}: there is no folder {parent}\n  make it, or name another place")
    if file.exists() and not _is_ours(file):
        raise ConfigError(f"{option}: is there already, and not made by inspect\n  choose another name")
    if not os.access(parent, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise ConfigError(f"{option}: cannot be written there: no permission\n  name another place")


def save(figure: Figure, file: Path) -> None:
    """Write a figure as its file's name says; a file is there whole, or as it was before."""
    import matplotlib

    form = file.suffix.lower().removeprefix(".")
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    metadata = {"Creator": MADE_BY, "Date": None} if form == "svg" else {"Software": MADE_BY}
    try:
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "harvest"}):
            figure.savefig(draft, format=form, dpi=120, metadata=metadata)
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _is_ours(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return MADE_BY.encode() in opened.read(_HEAD)
    except OSError:
        return False
