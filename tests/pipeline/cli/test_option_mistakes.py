"""Mistakes on the command line itself: exit code 2, nothing begun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("setting", "message", "remedy"),
    [
        ("seeds", "--set seeds: not of the form key=value", "for example --set stages.teacher.fit.epochs=5"),
        ("=1", "--set =1: not of the form key=value", "for example"),
        ("a..b=1", "--set a..b=1: not of the form key=value", "for example"),
        ("seeds=[1", "--set seeds=[1: the value is not valid YAML", "quote it"),
        ("seeds.first=1", "--set seeds.first: seeds is not a mapping", "set seeds itself instead"),
        ("seed=1", "--set seed: no such key", "did you mean `seeds`?"),
        ("stages.teacher.fit.epochs=x", "--set stages.teacher.fit.epochs: expected a whole number, got text", "docs/"),
        (
            "stages.techer.fit.epochs=5",
            "--set stages.techer.fit.epochs: stages.techer.stage: no stage 'techer'",
            "say which with `stage:`",
        ),
    ],
)
def test_set(file: str, setting: str, message: str, remedy: str, said_here: Callable[..., Any]) -> None:
    said_here("status", "-f", file, "--set", setting).refuses(2, message, remedy)


@pytest.mark.parametrize("option", ["--until", "--only", "--force"])
def test_an_entry_that_is_not_there(file: str, option: str, said_here: Callable[..., Any]) -> None:
    said_here("run", "-f", file, option, "techer").refuses(
        2, f"{option} techer: no such entry in {file}", "did you mean `teacher`?"
    )
    assert [each.name for each in Path(file).parent.iterdir()] == ["stages.yaml"]


def test_explain_a_step_that_is_not_there(file: str, said_here: Callable[..., Any]) -> None:
    said_here("explain", "-f", file, "techer").refuses(2, "explain techer: no such step", "did you mean `teacher`?")
    said_here("explain", "-f", file, "encode[rgb]").refuses(2, "known: encode[skeleton], encode[inertial]")


def test_only_without_what_it_needs(file: str, said_here: Callable[..., Any]) -> None:
    said_here("run", "-f", file, "--only", "teacher").refuses(
        2, "--only teacher: needs encode[skeleton], which is not in the store", "use --until teacher"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--until", "teacher", "--only", "teacher"], "--until and --only exclude each other"),
        (["results", "--json", "--per-recording"], "--json and --per-recording exclude each other"),
        (["run", "--device", "tpu"], "'tpu' is not one of 'auto', 'cpu', 'cuda'"),
        (["run", "--jobs", "0"], "'--jobs': 0 is not in the range x>=1"),
        (["run", "--jbos", "2"], "--jbos"),
        (["rnu"], "rnu"),
        (["explain"], "Missing argument 'STEP'"),
    ],
)
def test_usage(file: str, arguments: list[str], message: str, said_here: Callable[..., Any]) -> None:
    with_file = [*arguments, "-f", file] if arguments not in (["rnu"], ["explain"]) else arguments
    said_here(*with_file).refuses(2, "Usage: pipeline", message)


class TestSourceFolder:
    WANTED = "set source.root to the folder of utd-mhad (--set source.root=DIR)"

    def status(self, file: str, root: Path) -> list[str]:
        return ["status", "-f", file, "--set", "source.name=utd-mhad", "--set", f"source.root={root}"]

    def test_missing(self, file: str, tmp_path: Path, said_here: Callable[..., Any]) -> None:
        root = tmp_path / "lost"
        said_here(*self.status(file, root)).refuses(2, f"source.root: there is no folder {root}", self.WANTED)

    def test_empty(self, file: str, tmp_path: Path, said_here: Callable[..., Any]) -> None:
        root = tmp_path / "empty"
        root.mkdir()
        said_here(*self.status(file, root)).refuses(2, f"source.root: {root} holds no recordings", self.WANTED)

    def test_with_other_files(self, file: str, tmp_path: Path, said_here: Callable[..., Any]) -> None:
        root = tmp_path / "other"
        (root / "Inertial").mkdir(parents=True)
        (root / "Inertial" / "holiday.mat").write_bytes(b"")
        said_here(*self.status(file, root)).refuses(
            2, f"no file in {root} has a recording's name", "Inertial/holiday.mat: not named like", self.WANTED
        )

    def test_not_given(self, file: str, said_here: Callable[..., Any]) -> None:
        said_here("status", "-f", file, "--set", "source.name=utd-mhad").refuses(
            2, "source.root: is missing", "add this key"
        )
