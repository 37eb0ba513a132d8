"""Text as the user at hand reads it: commands that name her stages file, lines no wider than her terminal."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click

from pipeline.terminal import Guarded, harmless

DEFAULT_FILE = Path("stages.yaml")
_FILE = "pipeline.cli.told.file"  # in the context of a command
WHAT = (
    "WHAT is an entry of the stages file (`pipeline graph` lists them), a step's id (`pipeline status --json`), or an "
    "output's key or its beginning (`pipeline store ls`)."
)
_LEAST = 40  # columns: for less nothing is folded
_COMMAND = r"`(pipeline (?!(?:init|predict|stream)\b)[a-z]+\b[^`\n]*)`"  # compiled where it is needed, as the next
_OF_A_TABLE = r"\S {2,}\S"  # prose has one space between words


def say(text: str) -> None:
    """Print what people read, no wider than their terminal."""
    context = click.get_current_context(silent=True)
    path: Path = context.meta.get(_FILE, DEFAULT_FILE) if context else DEFAULT_FILE
    print(folded(with_file(text, path), width_of(sys.stdout)))


def use_file(context: click.Context, path: Path) -> None:
    """Let commands name a stages file in what is said, and printed to standard error, from now on."""
    if path == DEFAULT_FILE:  # a subcommand's, below a command that was given another
        return
    context.meta[_FILE] = path
    if isinstance(sys.stderr, Guarded):
        before = sys.stderr.told
        sys.stderr.told = lambda text: before(with_file(text, path))


def fold_errors(stream: Guarded) -> None:
    """Fold what is printed to a stream, where it is a terminal."""
    stream.told = lambda text: folded(text, width_of(stream))


def with_file(text: str, path: Path) -> str:
    """Add ``-f FILE`` to the commands of this program that stand in backquotes, but for those that have one.

    Nothing is added of the default file.
    """
    if path == DEFAULT_FILE or "`pipeline " not in text:
        return text

    import shlex  # slow to import, like textwrap below

    def named(found: re.Match[str]) -> str:
        return found[0] if " -f " in found[1] else f"`{found[1]} -f {harmless(shlex.quote(str(path)))}`"

    return re.sub(_COMMAND, named, text)


def folded(text: str, width: int) -> str:
    """Break lines at spaces, and go on two columns further in; tables, and commands in backquotes, stay whole.

    A `width` of 0: there is no terminal, and nothing is broken.
    """
    if width < _LEAST:
        return text
    return "\n".join(_folded(line, width) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    if len(line) <= width or re.search(_OF_A_TABLE, line):
        return line
    import textwrap

    whole = re.sub(r"`[^`]*`", lambda found: found[0].replace(" ", "\0"), line)
    indent = " " * (len(line) - len(line.lstrip(" ")))
    wrapped = textwrap.fill(
        whole, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False
    )
    return wrapped.replace("\0", " ")


def width_of(stream: object) -> int:
    """Return how wide the terminal is that a stream writes to, as COLUMNS or it says; 0 where it is none."""
    try:
        found = os.get_terminal_size(stream.fileno()).columns  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return 0
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdecimal() and int(said) else found
