"""What can stand at the end of a line, in real shells with Tab pressed, and as the program answers them."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.completion.answer import replies
from pipeline.cli.completion.line import Line, parse_line, quoted
from pipeline.cli.main import group
from pipeline.plan.history import History, StepRecord
from pipeline.plan.runs.record import RunRecord, encode
from pipeline.plan.runs.slots import Slot, group_of
from store import Store

REPOSITORY = Path(__file__).parents[3]
TEXT = st.text("ab \\'\"$`[]{}=:,*?~#!&|;<>()é\u4e2d")
KEY = "6f7a37" + "0" * 58


@pytest.fixture
def folder(file: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stages file whose store remembers steps and a run."""
    folder = Path(file).parent
    monkeypatch.chdir(folder)
    store, path = Store.open(str(folder / ".store")), folder / "stages.yaml"
    ids = ["encode[skeleton]", *(f"teacher[subjects={side},seed={seed}]" for side in ("even", "odd") for seed in "01")]
    ids.append("gone[seed=0]")
    History.read(store, path).record({id_: StepRecord("train", KEY) for id_ in ids})
    record = RunRecord(path=str(path), user="u", host="h", began="", name="baseline", keys="", asked={}, outputs={})
    store.runs(group_of(path)).write(Slot(1, "0" * 12).name, encode(record))
    return folder


def after(*words: str) -> list[str]:
    """What can stand in place of the last of some words."""
    return [item.value for item in replies(group, Line([*words[:-1]], words[-1], 0, ""))]


class TestWhatIsCompleted:
    def test_commands_and_options(self, folder: Path) -> None:
        assert after("ru") == ["run", "runs"]
        assert after("runs", "k") == ["keep"]
        assert after("store", "s") == ["show"]
        assert after("run", "--unt") == ["--until"]
        assert after("completion", "z") == ["zsh"]
        assert after("nothing", "") == []

    def test_choices(self, folder: Path) -> None:
        assert after("results", "--format", "") == ["text", "csv", "latex", "markdown"]
        assert after("run", "--device=c") == ["--device=cpu", "--device=cuda"]
        assert after("run", "--together", "") == ["auto"]
        assert "pamap2" in after("init", "--dataset", "")

    @pytest.mark.parametrize("before", [("run", "--until"), ("accept",), ("run", "--force", "a", "--force")])
    def test_entries(self, folder: Path, before: tuple[str, ...]) -> None:
        assert after(*before, "") == ["index", "encode", "teacher", "student", "evaluate"]

    def test_steps_that_were_done(self, folder: Path) -> None:
        assert after("explain", "teach") == ["teacher", "teacher["]
        assert after("explain", "teacher[subjects=odd,") == [f"teacher[subjects=odd,seed={n}]" for n in "01"]
        assert after("accept", "encode", "") == ["encode[skeleton]"]
        assert after("explain", "gone[") == []  # the stages file has no such entry any more

    def test_outputs(self, folder: Path) -> None:
        for before in (("push",), ("pull", "--force"), ("verify",), ("store", "path")):
            assert after(*before, "") == ["index", "encode", "teacher", "student", "evaluate", "encode[", "teacher["]
            assert after(*before, "tea") == ["teacher", "teacher["]

    @pytest.mark.parametrize("place", [(), ("--store", ".store")])
    def test_keys_of_outputs(self, folder: Path, place: tuple[str, ...]) -> None:
        with Store.open(str(folder / ".store")).draft("train", KEY, recipe={"raw": "r"}, inputs=[]) as draft:
            draft.publish({})
        if place:
            (folder / "stages.yaml").unlink()
        assert after("store", "show", *place, "6f") == [KEY[:12]]
        assert after("store", "show", *place, "7f") == []

    def test_commands_take_afterwards_what_they_took(self, file: str, said_here: Callable[..., Any]) -> None:
        after("status", "-f", "")
        assert said_here("status", "-f", file).code == 0

    def test_runs(self, folder: Path) -> None:
        assert after("results", "") == ["baseline", "1"]
        assert after("runs", "drop", "b") == ["baseline"]

    def test_another_stages_file(self, folder: Path) -> None:
        (folder / "other.yaml").write_text("stages: {first: {}}\n")
        assert after("run", "-f", "other.yaml", "--until", "") == ["index", "first"]
        assert after("report", "-f", "other.yaml", "--set", "stages.") == ["stages.first."]

    def test_settings(self, folder: Path) -> None:
        assert {"seeds=", "source.", "stages.", "store="} <= {*after("run", "--set", "")}
        assert after("run", "--set", "stages.stu") == ["stages.student."]
        assert after("run", "--set", "stages.student.model.wi") == ["stages.student.model.width="]
        assert after("run", "--set=stages.student.model=dm") == [
            f"--set=stages.student.model={n}" for n in ("dmft", "dmft-lite")
        ]
        assert after("run", "--set", "stages.encode.skeleton.centre=f")[0] == "stages.encode.skeleton.centre=frame"
        assert after("run", "--set", "source.sub") == ["source.subjects="]
        assert after("run", "--set", "on_bad_recording=") == ["on_bad_recording=fail", "on_bad_recording=skip"]

    @pytest.mark.parametrize(
        "text", ["stages: [", "stages: 5", "- a", "source: {name: nothing}\nstages: {a: 5}", "store: 5", ""]
    )
    def test_nothing_of_a_broken_stages_file(self, folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "stages.yaml").write_text(text)
        for words in (["run", "--until", "x"], ["explain", "x["], ["run", "--set", "stages.x"], ["results", "x"]):
            assert after(*words) == []
        assert capsys.readouterr() == ("", "")


def asked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask the program as zsh does, and list which heavy packages that imported."""
    program = """
import sys
from pipeline.cli import main
try:
    main(sys.argv[1:])
finally:
    print("imported:", *(n for n in ("torch", "zarr", "dask", "numpy", "scipy", "obstore", "yaml") if n in sys.modules))
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "_PIPELINE_COMPLETE": "zsh"}
    return subprocess.run(
        [sys.executable, "-c", program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )


def test_an_answer_writes_nothing_and_imports_nothing_heavy(folder: Path) -> None:
    asked(folder, "run", "--until", "")  # which may have read the stages file for the first time
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for words in (["explain", "teacher["], ["run", "-v", "--set", "stages.student.model."], ["runs", "keep", ""]):
        said = asked(folder, *words)
        assert said.stdout.endswith("imported:\n")
        assert len(said.stdout.splitlines()) > 2
        assert said.stderr == ""
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


class TestLines:
    @given(st.lists(TEXT))
    def test_words_are_the_shell_s(self, words: list[str]) -> None:
        line = parse_line(" ".join(map(shlex.quote, words)) + " ")
        assert (line.words, line.last, line.quote) == (words, "", "")

    @given(TEXT, st.sampled_from(["", "'", '"']))
    def test_what_is_quoted_is_read_as_it_was(self, text: str, quote: str) -> None:
        assert parse_line(f"x {quote}{quoted(text, quote)}").last == text

    @pytest.mark.parametrize("quote", ["", "'", '"'])
    def test_what_is_quoted_is_what_a_shell_takes(self, quote: str) -> None:
        words = [chr(code) for code in range(32, 127)] + ["a b", "~x", "{a,b}", "teacher[subjects=odd,seed=0]", "é中"]
        written = " ".join(f"{quote}{quoted(word, quote)}{quote}" for word in words)
        said = subprocess.run(["bash", "-c", f"printf '%s\\n' {written}"], capture_output=True, text=True, check=True)
        assert said.stdout.splitlines() == words

    @pytest.mark.parametrize(
        ("typed", "last", "kept"),
        [
            ("p --set=stages.a", "--set=stages.a", 6),
            (r"p teacher\[subjects=o", "teacher[subjects=o", 17),
            ("p 'teacher[subjects=o", "teacher[subjects=o", 0),
            ("p s3://b", "s3://b", 3),
            (r"p a\=b", "a=b", 0),
        ],
    )
    def test_readline_replaces_what_follows_a_break(self, typed: str, last: str, kept: int) -> None:
        line = parse_line(typed, " \t\n\"'><=;|&(:")
        assert (line.last, line.kept) == (last, kept)


SHELLS = {  # how each is begun, and how it reads the script
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(pipeline completion bash)"'),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -D -u; source <(pipeline completion zsh)"),
    "fish": (["--no-config", "-i"], "pipeline completion fish | source"),
}
SHIM = """\
#!/bin/sh
if [ -n "$_PIPELINE_COMPLETE" ] || [ "$1" = completion ]; then exec PYTHON -m pipeline "$@"; fi
printf 'ran:'; printf '<%s>' "$@"; printf ':end\\n'
"""


class Shell:
    """A shell at a terminal, in which `pipeline` completes as ever, and otherwise prints its arguments."""

    def __init__(self, name: str, folder: Path) -> None:
        arguments, setup = SHELLS[name]
        shim = folder / "bin" / "pipeline"
        shim.parent.mkdir()
        shim.write_text(SHIM.replace("PYTHON", sys.executable))
        shim.chmod(0o755)
        environment = {
            **{key: os.environ[key] for key in ("PIPELINE_CACHE",) if key in os.environ},
            "PATH": f"{shim.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(folder),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            os.execvpe(name, [name, *arguments], environment)
        self._typed(f"{setup}; echo rea''dy\n", rb"ready\r\n")

    def _typed(self, text: str, wanted: bytes) -> str:
        os.write(self._terminal, text.encode())
        shown, end = b"", time.monotonic() + 60
        while not (found := re.search(wanted, shown)):
            assert time.monotonic() < end, shown.decode(errors="replace")
            if select.select([self._terminal], [], [], 0.5)[0]:
                shown += os.read(self._terminal, 65536)
        return found[found.lastindex or 0].decode()

    def ran(self, typed: str) -> str:
        """Type a line and Enter; return the arguments with which the program was run."""
        return self._typed(f"{typed}\r", rb"ran:(.*?):end\r\n")

    def close(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._terminal)


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, Callable[[str], str]]]:
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} on this machine")
    shell = Shell(name, folder)
    yield name, shell.ran
    shell.close()


def test_tabs_in_a_real_shell(shell: tuple[str, Any], folder: Path) -> None:
    name, ran = shell
    shutil.copy(folder / "stages.yaml", folder / "own stages.yaml")
    bracket = r"\[" if name == "zsh" else "["  # zsh takes a bare one for a subscript, and cannot run it
    assert ran(f"pipeline expl\tteacher{bracket}\to\t1\t") == "<explain><teacher[subjects=odd,seed=1]>"
    assert ran("pipeline explain 'teacher[subjects=e\t0\t") == "<explain><teacher[subjects=even,seed=0]>"
    assert ran("pipeline run --set=stages.stu\tmodel.wi\t32") == "<run><--set=stages.student.model.width=32>"
    assert ran("pipeline run --set on_b\tsk\t--unt\tteach\t") == "<run><--set><on_bad_recording=skip><--until><teacher>"
    assert ran("pipeline runs ke\tbas\tbest") == "<runs><keep><baseline><best>"
    assert ran("pipeline status -f own\t") == "<status><-f><own stages.yaml>"
