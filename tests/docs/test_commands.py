"""docs/commands.md names every command and every option; no page names a file that is not there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from pipeline.cli.main import group

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
COMMANDS = group.list_commands(click.Context(group))


def about(name: str) -> str:
    """What the page says of all commands, in the command's row of the table, and in its own section."""
    common, _, rows = PAGE.partition("\n| command |")
    row = re.search(rf"^\| `pipeline {name}\b.*", rows, re.M)
    assert row, f"docs/commands.md has no row for pipeline {name}"
    section = re.search(rf"^## [^\n]*`{name}`[^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    return "\n".join([common, row[0], section[1] if section else ""])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_there(name: str) -> None:
    command = import_module(f"pipeline.cli.commands.{name}").command
    said = about(name)
    commands = [command, *getattr(command, "commands", {}).values()]
    parameters = [parameter for each in commands for parameter in each.params]
    options = [option for parameter in parameters for option in parameter.opts if option.startswith("--")]
    assert all(f"`{each}" in said for each in getattr(command, "commands", {}))
    missing = [option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", said)]
    assert set(missing) <= {"--file", "--help"}  # of the first its short form is named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_picture_is_small() -> None:
    assert (REPOSITORY / "docs" / "stages.svg").stat().st_size < 50_000
