"""A store after processes that died, and remotes that answer, refuse, or do not exist."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.doctor import remotes, unfinished
from pipeline.doctor.finding import Finding
from store import Store

from ...nginx import serve

REPOSITORY = Path(__file__).parents[3]
KEY = "0" * 64
_WRITE = f"""
import sys, time
from store import Store
with Store.open(sys.argv[1]).draft("encode", "{KEY}", recipe={{}}, inputs=[]) as draft:
    draft.scratch_write("part", b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


def texts(found: list[Finding], level: str) -> str:
    return "\n".join(each.what for each in found if each.level == level)


def test_an_output_that_is_written_and_then_left_by_a_killed_process(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITE, str(tmp_path / "store")],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        found = [*unfinished.find(str(tmp_path / "store"))]
        assert f"encode {KEY[:12]} is being written by process {writer.pid} on" in texts(found, "ok")
        assert texts(found, "note") == ""
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    found = [*unfinished.find(str(tmp_path / "store"))]
    assert "1 unfinished output that nobody works on" in texts(found, "note")
    assert f"left by process {writer.pid} on" in texts(found, "note")


def test_strange_things_in_a_store(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with Store.open(str(folder)).draft("encode", KEY, recipe={}, inputs=[]) as draft:
        draft.scratch_write("part", b"half")
    lock = folder / "outputs" / "encode" / KEY / "lock"
    lock.write_bytes(b"\xff\xfe\x00")
    assert "unfinished" in texts([*unfinished.find(str(folder))], "note")
    lock.unlink()
    lock.symlink_to("/dev/null")
    found = [*unfinished.find(str(folder))]
    assert "its lock cannot be looked at" in texts(found, "problem")
    assert "is a symbolic link" in texts(found, "problem")


def test_no_store_yet(tmp_path: Path) -> None:
    (found,) = unfinished.find("none", tmp_path)
    assert found.level == "ok"
    assert [*tmp_path.iterdir()] == []


def test_a_web_server(tmp_path: Path) -> None:
    Store.open(str(tmp_path / "there")).write_ref("me", b"{}")
    with serve(tmp_path) as url:
        found = [*remotes.find(f"{url}/there")]
        assert "is a store of this format" in texts(found, "ok")
        assert "it can be read only: cannot write" in texts(found, "note")
        (absent, _) = remotes.find(f"{url}/nowhere")
        assert (absent.level, absent.repair) == ("note", "check its name")


def test_a_remote_folder(tmp_path: Path) -> None:
    assert "no store yet" in texts([*remotes.find(str(tmp_path / "none"))], "note")
    store = Store.open(str(tmp_path / "there"))
    store.write_ref("me", b"{}")
    found = [*remotes.find(str(tmp_path / "there"))]
    assert [each.level for each in found] == ["ok", "ok"]
    (tmp_path / "there" / "store.json").write_text('{"format": "other"}')
    (said,) = remotes.find(str(tmp_path / "there"))
    assert said.level == "problem"
    assert "Upgrade this program" in said.what + said.repair


def test_a_bucket_is_asked_without_writing(s3: Any) -> None:
    url = s3.url("doctor")
    store = Store.open(url)
    assert not store.check_writable()
    store.write_ref("me", b"{}")
    before = [*store._root.list_objects("")]
    found = [*remotes.find(url)]
    assert "it can be written to" in texts(found, "ok")
    assert [*store._root.list_objects("")] == before


def test_credentials_are_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("PIPELINE_TIMEOUT_SECONDS", "0.5")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "PUBLICNAME")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
    found = [*remotes.find("s3://bucket/place")]
    assert "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY" in texts(found, "ok")
    assert texts(found, "problem")
    assert "verysecret" not in str(found)
    assert "PUBLICNAME" not in str(found)
