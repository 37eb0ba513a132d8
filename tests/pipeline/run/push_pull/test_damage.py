"""Damage and absence: what is found damaged is put aside and had again; a remote that is away stops nobody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from store import Store

STUDENT = "student[subjects=odd,seed=0]"


def objects(store: Path, stage: str, suffix: str = "") -> list[Path]:
    return sorted(
        path
        for path in (store / "outputs" / stage).rglob(f"*{suffix}")
        if path.is_file() and path.name not in ("manifest.json", "lock")
    )


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture
def project(finished: Any, tmp_path: Path) -> Any:
    return finished.copy(tmp_path / "mine")


@pytest.fixture
def share(project: Any, tmp_path: Path) -> Path:
    """A remote that has everything."""
    project.command("push", "--remote", str(tmp_path / "share"))
    return tmp_path / "share"


def features(project: Any, settings: tuple[Any, ...] = ()) -> bytes:
    plan = project.plan(*settings)
    output = plan.store.output("encode", plan.steps["encode[inertial]"].key)
    output.verify()
    content: bytes = output.read_bytes("features/c/0/0/0")
    return content


MORE = ("--set", "stages.student.fit.epochs=2")


@pytest.mark.parametrize("with_remote", [False, True])
def test_a_damaged_input_is_put_aside_and_had_again(project: Any, share: Path, with_remote: bool) -> None:
    whole = features(project)
    damaged = next(p for p in objects(project.store, "encode") if p.read_bytes() == whole)
    flip(damaged)
    environment = {"PIPELINE_REMOTE": str(share)} if with_remote else {}
    said = json.loads((ran := project.command("run", "--json", *MORE, **environment)).stdout)
    assert said["fetched" if with_remote else "done"][0] == "encode[inertial]"
    assert STUDENT in said["done"]
    for part in ("found encode[inertial] damaged", "features/c/0/0/0", "expected", "found", "quarantine/encode/"):
        assert part in ran.stderr
    assert features(project) == whole
    kept = [path.read_bytes() for path in (project.store / "quarantine").rglob("0") if path.is_file()]
    assert len(kept) >= 1
    assert whole not in kept


def test_a_damaged_result_is_had_again(project: Any) -> None:
    before = project.command("results", "--json").stdout
    flip(next(path for path in objects(project.store, "evaluate") if path.name == "metrics.json"))
    assert "changed after it was published" in project.command("results", code=1).stderr
    said = project.command("run")
    assert "moved to" in said.stderr
    project.command("run")
    assert project.command("results", "--json").stdout == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 100_000,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (b"{", b'{"format": 1}', b"\xff\xfe")),
    ],
)
def test_a_damaged_manifest_is_had_again(project: Any, content: bytes) -> None:
    next((project.store / "outputs" / "index").rglob("manifest.json")).write_bytes(content)
    assert "index" in project.command("status", code=1).stderr
    assert "moved to" in project.command("run").stderr
    assert "nothing to do" in project.command("run").stdout


def test_a_damaged_remote_is_never_used(project: Any, share: Path, tmp_path: Path) -> None:
    whole = features(project)
    for path in objects(share, "encode"):
        flip(path)
    theirs = type(project)(tmp_path / "theirs").write(json.loads(json.dumps(_values(project))))
    ran = theirs.command("run", "--until", "encode", "--json", PIPELINE_REMOTE=str(share))
    assert {"encode[skeleton]", "encode[inertial]"} <= set(json.loads(ran.stdout)["done"])
    assert "cannot be fetched, and is made here" in ran.stderr
    assert features(theirs) == whole


def test_the_next_remote_serves_where_the_first_is_damaged(project: Any, share: Path, tmp_path: Path) -> None:
    shutil.copytree(share, tmp_path / "second")
    for path in objects(share, "encode"):
        flip(path)
    theirs = type(project)(tmp_path / "theirs").write(_values(project))
    remotes = f"{share}, {tmp_path / 'second'}"
    ran = theirs.command("run", "--until", "encode", "--json", PIPELINE_REMOTE=remotes)
    assert {"encode[skeleton]", "encode[inertial]"} == set(json.loads(ran.stdout)["fetched"])


def test_a_remote_that_is_away_stops_nobody(project: Any, s3: Any) -> None:
    away = {
        "PIPELINE_REMOTE": "s3://bucket/x",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "PIPELINE_TIMEOUT_SECONDS": "2",
    }
    ran = project.command("run", *MORE, **away)
    assert "note: remote s3://bucket/x is left out" in ran.stderr
    assert s3.environment["AWS_SECRET_ACCESS_KEY"] not in ran.stderr
    assert Store.open(str(project.store)).refs()


def test_a_store_of_another_version_is_refused(project: Any, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "store.json").write_text('{"format": "harvest-store", "version": 2}')
    said = project.command("run", *MORE, code=1, PIPELINE_REMOTE=str(tmp_path / "new")).stderr
    assert "Upgrade this program" in said


def _values(project: Any) -> dict[str, Any]:
    import yaml

    values: dict[str, Any] = yaml.safe_load(project.file.read_text())
    return values
