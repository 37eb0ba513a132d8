"""``pipeline doctor`` on experiments and places that are broken for real: each is named, without a traceback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
SOMEBODY = 23_499

Doctor = Callable[..., dict[str, list[str]]]


@pytest.fixture
def doctor(said_here: Callable[..., Any]) -> Doctor:
    """A function that runs it and returns what it says, by level; the exit code fits that."""

    def run(*arguments: str) -> dict[str, list[str]]:
        said = said_here("doctor", "--json", *arguments)
        assert "Traceback" not in said.out + said.err
        assert "defect of harvest" not in said.out
        found = json.loads(said.out)
        levels: dict[str, list[str]] = {"ok": [], "note": [], "problem": []}
        for each in found["findings"]:
            if each["topic"] == "program":  # of whoever runs the tests
                continue
            levels[each["level"]].append(f"{each['topic']}: {each['what']}")
            assert each["repair"] or each["level"] != "problem"
        assert said.code == int(found["problems"] > 0) >= int(bool(levels["problem"]))
        return levels

    return run


def test_a_machine_and_an_experiment_without_problems(project: Any) -> None:
    started = time.monotonic()
    done = project.command("doctor", COLUMNS="80")
    assert time.monotonic() - started < 15  # 5 on a machine of one's own
    assert max(map(len, done.stdout.splitlines())) <= 80 + 20  # but for long names
    for part in ("Python 3.", "decoders: h264", "memory for this process", "writing, locks, renames and links work"):
        assert part in done.stdout
    assert "sample: 16 recordings of 2 subjects, 8 of 8 classes" in " ".join(done.stdout.split())
    assert "its plan: 5 entries" in done.stdout
    assert not project.store.exists()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: [", "stages.yaml:"),
        ("- a\n", "must be a mapping"),
        ("modalities: [skeleton]\nprotocol: loso\nstages: {encode: {skeletn: {}}}\n", "skeletn"),
        ("modalities: [skeleton]\nprotocol: loso\nstages: {encode: {}}\nstore: s3://a:b@c/d\n", "***"),
        ("modalities: [skeleton]\nprotocol: loso\nstages: {encode: {}}\nremote: ftp://x\n", "ftp://x"),
        ("\x00", "stages.yaml"),
    ],
)
def test_a_damaged_stages_file(doctor: Doctor, tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "stages.yaml").write_text(text)
    found = doctor("-f", str(tmp_path / "stages.yaml"))
    assert part in "\n".join(found["problem"])


def test_no_stages_file(doctor: Doctor, tmp_path: Path) -> None:
    assert "no such stages file" in doctor("-f", str(tmp_path / "none.yaml"))["problem"][0]
    assert "folder" in doctor("-f", str(tmp_path))["problem"][0]


def test_a_damaged_lock(doctor: Doctor, file: str) -> None:
    Path(file).with_suffix(".lock").write_bytes(b'{"format": 1, \xff')
    found = doctor("-f", file)
    assert "not a lock file" in "\n".join(found["problem"])
    assert any("its plan" in each for each in found["ok"])


def test_recordings_one_level_up_or_down(said_here: Callable[..., Any], experiment: Path) -> None:
    stages = str(experiment / "stages.yaml")
    for wrong, right in ((experiment, experiment / "data"), (experiment / "data" / "Depth", experiment / "data")):
        said = said_here("doctor", "-f", stages, "--set", f"source.root={wrong}")
        assert said.code == 1
        assert f"set source.root to {right}" in " ".join(said.out.split())


def test_recordings_that_are_away_or_cannot_be_placed(doctor: Doctor, experiment: Path) -> None:
    stages = str(experiment / "stages.yaml")
    (experiment / "data" / "Inertial" / "notes_inertial.mat").write_text("")
    (experiment / "data" / "Depth" / "a1_s1_t1_depth.mat").unlink()
    found = doctor("-f", stages)
    assert "experiment: 1 file cannot be placed: Inertial/notes_inertial.mat" in found["note"]
    assert "experiment: 1 recording without depth" in found["note"]
    assert any("2 of 27 classes; none of wave" in each or "none of" in each for each in found["note"])
    shutil.rmtree(experiment / "data")
    assert "keys come from stages.lock" in "\n".join(doctor("-f", stages)["note"])
    (experiment / "stages.lock").unlink()
    assert "are not at" in doctor("-f", stages)["problem"][0]


@pytest.mark.parametrize("setting", ["fail", "skip"])
def test_recordings_without_a_stream(said_here: Callable[..., Any], experiment: Path, setting: str) -> None:
    next((experiment / "data" / "Skeleton").iterdir()).unlink()
    said = said_here("doctor", "-f", str(experiment / "stages.yaml"), "--set", f"on_bad_recording={setting}").out
    assert "1 recording without skeleton" in said
    assert ("on_bad_recording: skip goes on without them" in said) == (setting == "fail")


def test_weights_that_are_not_there(doctor: Doctor, experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(experiment / "torch"))
    stages = str(experiment / "stages.yaml")
    found = doctor("-f", stages, "--set", f"stages.encode.depth.weights={experiment}/mine.pth")
    assert f"stages.encode.depth.weights: there is no file {experiment / 'mine.pth'}" in found["problem"][0]
    named = ("--set", "stages.encode.depth.weights=IMAGENET1K_V1")
    found = doctor("-f", stages, *named)
    assert any("squeezenet1_1 IMAGENET1K_V1 will be downloaded" in each for each in found["note"])
    cached = experiment / "torch" / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    assert any(str(cached) in each for each in doctor("-f", stages, *named)["ok"])


def test_a_remote_that_never_answers(file: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "name",
            "AWS_SECRET_ACCESS_KEY": "secret-that-nobody-prints",
            "PYTHONPATH": str(REPOSITORY),
        }
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "doctor", "-f", file, "--set", "remote=s3://bucket/store"],
            env={**os.environ, **environment}, capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert time.monotonic() - started < 20  # 6 on a machine of one's own
    assert done.returncode == 1
    assert "no answer within 5 s" in done.stdout
    assert "secret-that-nobody-prints" not in done.stdout + done.stderr


def test_packages_that_cannot_be_imported(file: str, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "av.py").write_text("raise ImportError('libavcodec.so.62: no such file')")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "doctor", "-f", file],
        env={**os.environ, "PYTHONPATH": f"{tmp_path / 'broken'}:{REPOSITORY}"},
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "PyAV cannot be imported (ImportError: libavcodec.so.62" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "of_cache"),
    [({}, "this user has no home folder"), ({"HOME": "/"}, "cannot be written to")],
    ids=["no home", "another's home"],
)
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can become another user")
def test_folders_that_may_not_be_written_to(experiment: Path, environment: dict[str, str], of_cache: str) -> None:
    shutil.rmtree(experiment / ".store")
    unknown = ("HOME", "USER", "LOGNAME", "PIPELINE_CACHE", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in unknown}
    done = subprocess.run(
        ["setpriv", "--reuid", str(SOMEBODY), "--regid", str(SOMEBODY), "--clear-groups",
         "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",  # read this checkout wherever it lies
         sys.executable, "-m", "pipeline", "doctor", "--json"],
        env={**kept, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True, text=True, check=False, cwd=experiment,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    problems = {each["topic"]: each for each in json.loads(done.stdout)["findings"] if each["level"] == "problem"}
    assert of_cache in problems["cache"]["what"]
    if environment:  # without a home nothing of the stages file is known
        assert "cannot be written to" in problems["store's disk"]["what"]
    assert "Traceback" not in done.stderr
