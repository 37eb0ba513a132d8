"""The answer to a shell that asks what can stand at the end of a line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete

from pipeline.cli.completion.line import Line, parse_line, quoted
from pipeline.cli.completion.scripts import VARIABLE
from pipeline.cli.completion.values import complete_values

_KINDS = ("open", "file", "dir")


def answer(group: click.Group, arguments: Sequence[str]) -> None:
    """Print the replies that a shell's script reads; none where the line or the stages file is broken.

    Parameters
    ----------
    arguments
        Of bash the line as far as the cursor, and the characters at which it begins words; of others the words behind
        the program's, the last as far as the cursor.
    """
    shell = os.environ[VARIABLE]
    with open(os.devnull, "w") as nowhere:
        sys.stderr = nowhere  # what options say as they are read, such as -v, is nothing at a prompt
        line = _line(shell, arguments)
        for item in replies(group, line):
            print(_reply(item, line, shell))


def replies(group: click.Group, line: Line) -> list[CompletionItem]:
    """Return what can stand at the end of a line."""
    _prepare(group, line.words)
    try:
        items = ShellComplete(group, {}, "pipeline", VARIABLE).get_completions(line.words, line.last)
    except Exception:  # of a stages file or a line that is broken: the command says how, once it is run
        return []
    before = _option_before(line.last)
    return [CompletionItem(before + item.value, item.type, item.help) for item in items if _is_line(item.value)]


def _line(shell: str, arguments: Sequence[str]) -> Line:
    if shell == "bash":
        line = parse_line(*arguments[:2])
        return line._replace(words=line.words[1:])
    *words, last = arguments
    if shell == "fish":  # whose word at the cursor is as it was typed
        last = parse_line(last).last
    return Line(words, last, 0, "")


def _prepare(group: click.Group, words: Sequence[str]) -> None:
    """Let the command that a line is of know what its options and arguments can be."""
    name = next((word for word in words if not word.startswith("-")), None)
    if name not in group.list_commands(click.Context(group)):
        return
    command = group.get_command(click.Context(group), name)
    below = command.commands.values() if isinstance(command, click.Group) else ()
    for each in (command, *below):
        for param in each.params if each else ():
            complete_values(param)


def _option_before(last: str) -> str:
    """Return the option that a word begins with, as in ``--set=seeds``, for click answers without it."""
    name, equals, _ = last.partition("=")
    return name + equals if equals and name.startswith("-") else ""


def _is_line(text: str) -> bool:
    return text.isprintable()


def _reply(item: CompletionItem, line: Line, shell: str) -> str:
    kind = item.type if item.type in _KINDS else "plain"
    text = quoted(item.value[line.kept :], line.quote) if shell == "bash" else item.value
    said = " ".join((item.help or "").split())
    return "\t".join([kind, text, *([said] if said else [])])
