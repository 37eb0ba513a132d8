"""Places that are none, programs that are not installed; nothing is imported or sent anywhere unasked."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ....other_users import SOMEBODY
from .readers import event_files

Run = Callable[..., Any]
TENSORBOARD = "needs tensorboard: pip install 'harvest-har[tensorboard]'"


URIS = {
    "127.0.0.1:5000": "is no URI",  # of which MLflow would make a folder
    "localhost:5000": "is no URI",
    "mlruns": "is no URI",
    "": "is no URI",
    "http:///mlflow": "names no host",
    "https://": "names no host",
    "http://[::1": "Invalid IPv6 URL",
    "ftp://127.0.0.1/mlflow": "got unsupported URI",
}


@pytest.mark.parametrize(("uri", "says"), URIS.items(), ids=[each or "empty" for each in URIS])
def test_what_is_no_tracking_uri(
    stages: Any, said_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, says: str
) -> None:
    pytest.importorskip("mlflow", reason="needs mlflow: pip install 'harvest-har[mlflow]'")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for command in ("run", "report"):
        said = said_here(command, "-f", str(stages.file), "--mlflow", uri)
        said.refuses(2, f"error: --mlflow {uri}: ", says, "\n  give a server, http://HOST:PORT, or sqlite:///FILE\n")
        assert said.err.count("\n") == 2
    assert list((tmp_path / "here").iterdir()) == []


def test_a_file_that_is_no_database(stages: Any, said_here: Run, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="needs mlflow: pip install mlflow")
    pytest.importorskip("sqlalchemy", reason="needs a whole mlflow: pip install mlflow")
    (tmp_path / "notes").write_text("mine\n" * 1000)
    said = said_here("report", "-f", str(stages.file), "--mlflow", f"sqlite:///{tmp_path}/notes")
    said.refuses(2, f"error: --mlflow sqlite:///{tmp_path}/notes: ", "file is not a database", "\n  give a server")
    assert said.err.count("\n") == 2
    assert (tmp_path / "notes").read_text() == "mine\n" * 1000


@pytest.mark.parametrize("inside", ["", "tb", "a/b"])
def test_event_files_where_a_file_is(stages: Any, said_here: Run, tmp_path: Path, inside: str) -> None:
    pytest.importorskip("tensorboard", reason=TENSORBOARD)
    (tmp_path / "notes").write_text("mine")
    place = tmp_path / "notes" / inside
    for command in ("run", "report"):
        said = said_here(command, "-f", str(stages.file), "--tensorboard", str(place))
        said.refuses(2, f"error: --tensorboard {place}: {tmp_path}/notes is no folder\n  name a folder")
        assert said.err.count("\n") == 2
    assert (tmp_path / "notes").read_text() == "mine"


def test_event_files_where_one_may_not_write(stages: Any, python: Any, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=TENSORBOARD)
    for each in (tmp_path, *tmp_path.parents):
        if each.stat().st_uid == os.geteuid() and not each.stat().st_mode & 0o001:
            each.chmod(each.stat().st_mode | 0o711)
    place = tmp_path / "tb"
    program = "from pipeline.report.trackers.trackers import open_trackers\nfrom pathlib import Path\n"
    program += f"from pipeline.errors import ConfigError\ntry:\n    open_trackers(Path({str(place)!r}), None)\n"
    program += "except ConfigError as error:\n    print(error)\n"
    packages = os.pathsep.join([str(stages.code), *python.packages])
    done = subprocess.run(
        [python.path, "-c", program], user=SOMEBODY, group=SOMEBODY, extra_groups=[], check=False,
        cwd="/", text=True, capture_output=True, env={"PATH": os.defpath, "PYTHONPATH": packages},
    )  # fmt: skip
    assert done.stdout == f"--tensorboard {place}: cannot be written there: no permission\n  name another place\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_folder_that_takes_nothing_any_more(
    stages: Any, failing_io: Callable[..., dict[str, str]], tmp_path: Path, number: int
) -> None:
    """The page is there, no draft stays behind, and the command that is named writes it later."""
    pytest.importorskip("tensorboard", reason=TENSORBOARD)
    place = tmp_path / "tb"
    report = ("report", "-o", "r.html", "--tensorboard", str(place))
    calls = "write" if number == errno.ENOSPC else "open,mkdir"
    said = stages.command(*report, code=1, **failing_io(number, f"{place}/stages", calls)).stderr
    assert re.fullmatch(
        rf"error: --tensorboard {place}: {place}/\S+: {os.strerror(number)}\n"
        rf"  nothing is lost: `pipeline report --tensorboard {place}` writes it when that is mended\n",
        said,
    )
    assert (stages.folder / "r.html").exists()
    assert [each for each in place.rglob("*") if each.is_file()] == []
    stages.command(*report)
    assert {*event_files(place / "stages")} == {("teacher", 0), ("student", 0), ("distilled", 0)}


LISTENING = """
import json, sys
asked = []

def heard(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else "a file"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    asked.append(host)
    if host != "127.0.0.1":
        raise OSError("no request may leave this machine")

sys.addaudithook(heard)
import atexit
atexit.register(lambda: print(json.dumps(sorted({*asked}))))  # the last to be called
from pipeline.cli import main
main(sys.argv[1:])
"""
OF_TESTS = re.compile(r"PYTEST|CI$|TRAVIS|GITHUB|JENKINS|RUNBOT|BUILD|TF_|TEAMCITY|CLOUD_RUN|BITBUCKET|MLFLOW")


def test_nothing_leaves_the_machine(stages: Any, server: str, tmp_path: Path) -> None:
    """MLflow's telemetry is off, though it is where no test is; TensorBoard asks for nothing."""
    environment = {name: value for name, value in os.environ.items() if not OF_TESTS.search(name)}
    options = ["report", "-o", "r.html", "--tensorboard", "tb", "--mlflow", server]
    done = subprocess.run(
        [sys.executable, "-c", LISTENING, *options],
        cwd=stages.folder,
        env={**environment, "PYTHONPATH": str(stages.code), "MLFLOW_EXPERIMENT_NAME": "heard"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["127.0.0.1"]


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_where_it_is_not_installed(
    stages: Any, said_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    for command in ("run", "report"):
        said = said_here(command, "-f", str(stages.file), f"--{name}", str(tmp_path / "x"))
        said.refuses(2, f"error: --{name}: needs {name}, which is not installed", f"pip install 'harvest-har[{name}]'")
    assert not (tmp_path / "x").exists()


def test_nothing_is_imported_unasked(stages: Any) -> None:
    program = "import sys, json\nfrom pipeline.cli import main\ntry:\n    main(['run'])\nfinally:\n"
    program += "    print(json.dumps([n for n in sys.modules if 'trackers' in n or n in ('mlflow', 'tensorboard')]))"
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=stages.folder,
        env={**os.environ, "PYTHONPATH": str(stages.code)},
        capture_output=True,
        text=True,
    )
    assert json.loads(found.stdout.splitlines()[-1]) == []
