"""Every command of README.md and of the pages for beginners, run word for word, prints what the page shows.

In the gate the sample is smaller and trained for one epoch: figures, times and sizes are not compared there. Not run:
`make test`, which runs this, and the installation of torch's CPU build, which needs a network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
REAL = REPOSITORY.parent / "shared" / "data"
COMMAND = re.compile(r"    (\.venv/bin/pipeline .*|make run.*)")


class Shown(NamedTuple):
    """A command, and the lines that the page shows below it."""

    command: str
    output: tuple[str, ...]


def commands_of(page: Path) -> Iterator[Shown]:
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if found := COMMAND.fullmatch(line):
            yield Shown(found[1], tuple(_output_below(lines[number + 1 :])))


def _output_below(lines: Sequence[str]) -> Iterator[str]:
    """Yield the block of text that comes next, where nothing but blank lines is between."""
    rest = iter(lines)
    if next((line for line in rest if line), "") == "```text":
        for line in rest:
            if line == "```":
                return
            yield line


def table_of(page: Path) -> list[str]:
    """Return the table of results that a page shows, indented."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("    model "))
    return [line[4:] for line in lines[start : lines.index("", start)]]


PAGES = {
    name: tuple(commands_of(REPOSITORY / name)) for name in ("README.md", "docs/tutorial.md", "docs/reading-results.md")
}
ON_THE_SAMPLE = [
    (name, shown)
    for name, page in PAGES.items()
    for shown in page
    if "DIR" not in shown.command and "own.yaml" not in shown.command  # which test_own_data.py runs
]
ON_REAL_DATA = [shown.command for shown in PAGES["docs/tutorial.md"] if "DIR" in shown.command]
_FIGURES = [
    (r"about .*", "about #"),
    (r"\d+ subjects, (\d+) seeds; \S+ of \d+ answers", r"# subjects, \1 seeds; # answers"),
    (r"\d+(\.\d+)? (min|s|h|MB|kB|GB)\b( \d+ s)?", "#"),
    (r"key [0-9a-f]{12}", "key #"),
    (r"(± \d+\.\d+) +\d+$", r"\1 #"),  # recordings, or seeds
    (r"[-+]?\d+\.\d+( ± \d+\.\d+)?", "#"),
    (r"-{3,}", "---"),
    (r" +", " "),
]


def masked(line: str) -> str:
    for pattern, instead in _FIGURES:
        line = re.sub(pattern, instead, line)
    return line.strip()


def make_home(folder: Path, stages: str) -> Path:
    """Make what a clone looks like after installation; ``.venv/bin/pipeline`` runs in the interpreter of this test."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, folder)
    (folder / "stages.yaml").write_text(stages, encoding="utf-8")
    program = folder / ".venv" / "bin" / "pipeline"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline "$@"\n')
    program.chmod(0o755)
    (folder / ".venv" / "installed").touch()
    return folder


def run(home: Path, command: str) -> str:
    """Run a line of a page in a shell, and return what it prints."""
    outer_make = {"MAKELEVEL", "MAKEFLAGS", "MFLAGS"}  # else a make below `make test` says where it enters and leaves
    environment = {name: value for name, value in os.environ.items() if name not in outer_make}
    environment |= {"PYTHONPATH": str(REPOSITORY), "PIPELINE_CACHE": str(home / "cache")}
    done = subprocess.run(
        ["bash", "-c", command], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stages = (REPOSITORY / "stages.yaml").read_text(encoding="utf-8")
    smaller = (
        re.sub(r"epochs: \d+", "epochs: 1", stages)
        .replace("subjects: 24", "subjects: 4")
        .replace("trials: 2", "trials: 1")
    )
    home = make_home(tmp_path_factory.mktemp("home"), smaller)
    (home / "first.txt").write_text(run(home, "make run"))
    return home


def test_the_pages_have_commands() -> None:
    assert len(ON_THE_SAMPLE) >= 11
    assert len(ON_REAL_DATA) >= 6
    assert sum(bool(shown.output) for _, shown in ON_THE_SAMPLE) >= 4


@pytest.mark.parametrize(("page", "shown"), ON_THE_SAMPLE, ids=lambda value: getattr(value, "command", value))
def test_a_command_prints_what_the_page_shows(page: str, shown: Shown, small_home: Path) -> None:
    printed = [masked(line) for line in run(small_home, shown.command).splitlines()]
    wanted = [masked(line) for line in shown.output]
    if wanted and wanted[-1] == "...":  # the page leaves out the rest
        wanted.pop()
        del printed[len(wanted) :]
    assert not wanted or printed == wanted


def test_a_first_run_prints_the_readmes_table(small_home: Path) -> None:
    first = (small_home / "first.txt").read_text().splitlines()
    wanted = [masked(line) for line in table_of(REPOSITORY / "README.md")]
    assert [masked(line) for line in first[-len(wanted) :]] == wanted


@pytest.mark.slow
@pytest.mark.timeout(1800)  # a minute and a half alone, far more on cores that others use, too
def test_a_first_run_has_the_readmes_figures(tmp_path: Path) -> None:
    home = make_home(tmp_path, (REPOSITORY / "stages.yaml").read_text(encoding="utf-8"))
    wanted = table_of(REPOSITORY / "README.md")
    printed = run(home, "make run").splitlines()[-len(wanted) :]
    figure = re.compile(r"(\d+\.\d+) ± (\d+\.\d+)")
    for there, here in zip(wanted, printed, strict=True):
        assert masked(there) == masked(here)
        for (mean, deviation), (other, _) in zip(figure.findall(there), figure.findall(here), strict=True):
            assert abs(float(mean) - float(other)) <= 2 + float(
                deviation
            )  # another kind of processor rounds differently


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.timeout(3600)
def test_commands_on_real_data(tmp_path: Path) -> None:
    """Five actions, repetitions 1 and 3, one seed and one epoch; depth through the weights that could be had."""
    if not (REAL / "utd-mhad").is_dir():
        pytest.skip(f"UTD-MHAD is not at {REAL / 'utd-mhad'}")
    home = make_home(tmp_path, "")
    (home / "experiments").mkdir()
    for file in (REPOSITORY / "experiments").glob("utd-mhad-*.yaml"):
        content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        content["seeds"] = [0]
        for entry in content["stages"].values():
            if entry.get("stage") in ("train", "distil"):
                entry["fit"] = {**entry.get("fit", {}), "epochs": 1}
        (home / "experiments" / file.name).write_text(yaml.safe_dump(content, sort_keys=False))
    for path in (REAL / "utd-mhad").glob("*/a[1-5]_s*_t[13]_*.mat"):
        (home / "data" / path.parent.name).mkdir(parents=True, exist_ok=True)
        (home / "data" / path.parent.name / path.name).symlink_to(path)
    weights = REAL / "weights" / "squeezenet1_1-imagenet.safetensors"
    depth = f"--set stages.encode.depth.backbone=squeezenet1_1 --set stages.encode.depth.weights={weights}"
    for command in ON_REAL_DATA:
        text = run(home, command.replace("DIR", "data") + (f" {depth}" if "depth" in command else ""))
        assert "teacher" in text
    assert list((home / "experiments").glob("*.lock"))
