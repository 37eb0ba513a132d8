"""What is printed names the user's stages file in commands, and is no wider than her terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.told import folded, with_file

words = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="`"), min_size=1, max_size=30
)
lines = st.builds(
    lambda indent, each: " " * indent + " ".join(each), st.integers(0, 4), st.lists(words, min_size=1, max_size=20)
)


@given(st.lists(lines, max_size=4).map("\n".join), st.integers(40, 120))
def test_folding_breaks_at_spaces_alone(text: str, width: int) -> None:
    found = folded(text, width)
    assert found.split() == text.split()
    for line in found.split("\n"):
        assert len(line) <= width or len(line.split()) == 1 or "  " in line.strip()


@given(st.text(), st.integers(0, 39))
def test_without_a_terminal_lines_stay_whole(text: str, width: int) -> None:
    assert folded(text, width) == text


def test_tables_and_commands_stay_whole() -> None:
    row = "teacher    train         3  3 todo                                            about 51 s, 8.2 MB"
    assert folded(row, 60) == row
    assert folded("  see what is there, and take the nearest with `pipeline run --force encode`", 60) == (
        "  see what is there, and take the nearest with\n    `pipeline run --force encode`"
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("see `pipeline status`", "see `pipeline status -f own.yaml`"),
        ("`pipeline run --force encode` again", "`pipeline run --force encode -f own.yaml` again"),
        ("`pipeline store du`, `pipeline gc`", "`pipeline store du -f own.yaml`, `pipeline gc -f own.yaml`"),
        ("`pipeline status -f own.yaml`", "`pipeline status -f own.yaml`"),
        ("`pipeline init DIR`", "`pipeline init DIR`"),
        ("`pipelines` and pipeline status", "`pipelines` and pipeline status"),
    ],
)
def test_commands_name_the_stages_file(said: str, told: str) -> None:
    assert with_file(said, Path("own.yaml")) == told
    assert with_file(told, Path("own.yaml")) == told
    assert with_file(said, Path("stages.yaml")) == said


def test_a_name_with_a_space() -> None:
    assert with_file("`pipeline run`", Path("my own.yaml")) == "`pipeline run -f 'my own.yaml'`"


def in_terminal(folder: Path, *arguments: str, columns: int = 80) -> str:
    """Run a command in a pseudo-terminal so wide, and return what it shows."""
    program = (
        "import fcntl, struct, sys, termios; "
        f"fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, {columns}, 0, 0)); "
        "from pipeline.cli import main; main()"
    )
    parent, child = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    code = {"PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder, env=environment | code, stdin=child, stdout=child, stderr=child,
    )  # fmt: skip
    os.close(child)
    shown = b""
    try:
        while read := os.read(parent, 4096):
            shown += read
    except OSError:  # the other end is closed
        pass
    process.wait()
    os.close(parent)
    return shown.decode().replace("\r\n", "\n")


def test_in_a_terminal_of_80_columns(project: Any) -> None:
    own = project.file.rename(project.folder / "own.yaml")
    shown = in_terminal(project.folder, "accept", "encoder", "-f", "own.yaml")
    assert "accept encoder: no such entry in own.yaml" in shown
    shown = in_terminal(project.folder, "status", "-f", str(own), "--set", f"protocl={'x ' * 50}")
    assert "did you mean `protocol`?" in shown
    assert max(map(len, shown.split("\n"))) <= 80
    shown = in_terminal(project.folder, "results", "-f", "own.yaml")
    assert "`pipeline run -f own.yaml`" in shown


def test_remedies_name_the_stages_file(project: Any) -> None:
    project.file.rename(project.folder / "own.yaml")
    refused = project.command("store", "du", "-f", "own.yaml", code=2).stderr
    assert "`pipeline run -f own.yaml` makes one" in refused
    found = project.command("doctor", "-f", "own.yaml").stdout
    assert not re.search("`pipeline [a-z ]+`", found)
