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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_there(name: str) -> None:
    command = import_module(f"pipeline.cli.commands.{name}").command
    assert f"`pipeline {name}" in PAGE
    commands = [command, *getattr(command, "commands", {}).values()]
    parameters = [parameter for each in commands for parameter in each.params]
    options = [option for parameter in parameters for option in parameter.opts if option.startswith("--")]
    assert all(f"`{each}" in PAGE for each in getattr(command, "commands", {}))
    missing = [option for option in options if option not in ("--file", "--help") and option not in PAGE]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_picture_is_small() -> None:
    assert (REPOSITORY / "docs" / "stages.svg").stat().st_size < 50_000
