"""What becomes of output that cannot be written, by real redirections, and of text that would steer a terminal."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.terminal import harmless

COMMANDS = ["results --json", "results", "status", "status --json", "run", "run --json", "graph", "store ls", "--help"]

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(finished_folder: Any) -> Shell:
    """A function that runs ``pipeline ...`` with redirections; what it leaves on standard error is told."""

    def run(command: str, redirections: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-c", f"{shlex.quote(sys.executable)} -m pipeline {command} {redirections}"],
            cwd=finished_folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert "defect" not in done.stderr
        return done

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_device_is_told(shell: Shell, command: str) -> None:
    done = shell(command, ">/dev/full")
    assert done.returncode == 1
    assert "error: standard output: No space left on device" in done.stderr


@pytest.mark.parametrize("command", COMMANDS[:6])
def test_closed_output_is_told(shell: Shell, command: str) -> None:
    done = shell(command, ">&-")
    assert done.returncode == 1
    assert "error: standard output: it is closed" in done.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&-", "2>&- <&-"])
@pytest.mark.parametrize("command", ["run", "status", "verify"])
def test_standard_error_that_takes_nothing_changes_nothing(shell: Shell, command: str, redirection: str) -> None:
    done = shell(command, redirection)
    assert done.returncode == 0
    assert done.stdout == shell(command, "").stdout


def test_a_reader_that_has_seen_enough(shell: Shell) -> None:
    done = shell("status --json", "| head -n 1; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")
    assert shell("status", "| true; exit ${PIPESTATUS[0]}").returncode == 0


def test_a_failure_is_told_though_nobody_reads(shell: Shell, finished_folder: Any) -> None:
    """The exit code is the command's own, wherever its text goes."""
    for redirection in ("| true; exit ${PIPESTATUS[0]}", "2>&- >&-", ">/dev/full 2>&1"):
        assert shell("status --set 'modalities=[audio]'", redirection).returncode == 2


def test_a_run_goes_on_where_nobody_hears_of_it(experiment: Path, shell: Shell) -> None:
    """Progress is printed as steps end: a full disk under the log must not stop the second step."""
    file = shlex.quote(str(experiment / "stages.yaml"))
    done = shell(f"run -f {file} --set stages.model.fit.epochs=2", "2>/dev/full")
    assert done.returncode == 0
    assert "2 steps done" in done.stdout


def test_no_file_gets_the_number_of_a_closed_descriptor(finished_folder: Any, tmp_path: Path) -> None:
    """Else what a library prints to descriptor 2 lands in whichever file was opened first."""
    program = (
        "import os, sys; from pipeline.terminal import open_missing; open_missing();"
        "file = open(sys.argv[1], 'w'); os.write(2, b'a warning'); os.write(1, b'another');"
        "os.execvp(sys.argv[2], [sys.argv[2], '-c', 'echo a child >&2'])"
    )
    out = tmp_path / "out"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} {out} bash >&- 2>&- <&-"
    subprocess.run(["bash", "-c", command], cwd=Path(__file__).parents[3], check=True)
    assert out.read_bytes() == b""


def test_text_of_strangers_cannot_steer_a_terminal(experiment: Path) -> None:
    r"""Names of files, on a terminal with bars; the program's own controls stay, theirs are shown."""
    evil = "evil\x1b]0;owned\x07\x9b31m\u202emat"
    (experiment / "data" / "Inertial" / evil).write_bytes(b"")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", "-f", str(experiment / "stages.yaml")],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # nobody writes any more
            break
        said += part
        if not part:
            break
    os.close(ours)
    assert process.wait() == 1
    text = said.decode()
    assert r"Inertial/evil\x1b]0;owned\x07\x9b31m\u202emat: not named like" in text
    assert "\x1b[" in text  # the bars
    assert "owned\x07" not in text
    assert "\u202e" not in text


def test_a_store_of_a_stranger(experiment: Path, said: Callable[..., Any], tmp_path: Path) -> None:
    file = ("-f", str(experiment / "stages.yaml"), "--set", f"store={tmp_path / 'theirs'}")
    assert said("run", "--until", "index", *file, LOGNAME="eve\x1b[2J").code == 0
    listed = json.loads(said("store", "ls", "--json", *file).out)
    assert listed[0]["user"] == "eve\x1b[2J"
    for command in (("ls",), ("show", listed[0]["key"])):
        shown = said("store", *command, *file, COLUMNS="200")
        assert r"eve\x1b[2J" in shown.out
        assert "\x1b" not in shown.out + shown.err


def test_arguments_are_said_harmlessly(said_here: Callable[..., Any], file: str) -> None:
    shown = said_here("status", "-f", file, "--set", "\x1b[2J=1", "--set", "a\x1b[2J=1")
    assert r"\x1b[2J" in shown.err
    assert "\x1b" not in shown.err
    shown = said_here("explain\x1b[2J")
    assert r"\x1b[2J" in shown.err
    assert "\x1b" not in shown.err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext, ± 漢字 🙂\n", "plain\ttext, ± 漢字 🙂\n"),
        ("\x1b[31m\x00\x7f\r\b", r"\x1b[31m\x00\x7f\x0d\x08"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egpj.exe\u2066\u061c\u2028", r"\u202egpj.exe\u2066\u061c\u2028"),
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_is_harmful(text: str, shown: str) -> None:
    assert harmless(text) == shown
    assert harmless(shown) == shown


def test_what_an_encoding_lacks_is_spelt() -> None:
    program = "from pipeline.terminal import guarded\nwith guarded(): print('88 ± 1')"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert ran.stdout == b"88 \\xb1 1\n"
