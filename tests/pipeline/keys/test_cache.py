"""A cache that was damaged is an empty one: keys, states and lock stay what they were."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.keys.cache import read_cache, write_atomically, write_cache


def test_what_was_written_is_read(tmp_path: Path) -> None:
    for content in (b"", b"x", bytes(range(256)) * 40):
        write_cache(tmp_path / "new" / "a.cache", content)
        assert read_cache(tmp_path / "new" / "a.cache") == content
    assert read_cache(tmp_path / "none") is None
    assert read_cache(tmp_path) is None


def test_any_bit_any_cut_any_other_file(tmp_path: Path) -> None:
    path = tmp_path / "a.cache"
    write_cache(path, b'{"a": 1}')
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            assert read_cache(path) is None
        path.write_bytes(whole[:place])
        assert read_cache(path) is None
    path.write_bytes(whole + b"\n")
    assert read_cache(path) is None
    path.write_bytes(whole)
    assert read_cache(path) is not None
    shutil.copyfile(path, tmp_path / "b.cache")  # whole, and of something else
    assert read_cache(tmp_path / "b.cache") is None
    path.write_bytes(whole.replace(b"harvest-cache 1", b"harvest-cache 2"))
    assert read_cache(path) is None


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    write_cache(tmp_path / "file" / "a.cache", b"x")
    assert read_cache(tmp_path / "file" / "a.cache") is None


def test_flipped_bits_in_all_caches(
    project: Any, small: dict[str, Any], raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each digit, letter and brace may turn into another one."""
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    small["stages"] = {name: small["stages"][name] for name in ("encode", "teacher", "student")}
    project.write({**small, "source": {"name": "utd-mhad", "root": str(raw)}}).run(until="encode")

    def state() -> Any:
        plan = project.plan()
        return {id_: step.key for id_, step in plan.steps.items()}, plan.states, plan.lock

    state()
    expected, whole = state(), {path: path.read_bytes() for path in _files(tmp_path / "cache")}
    assert {path.relative_to(tmp_path / "cache").parts[0].partition("-")[0] for path in whole} == {
        "code",
        "raw",
        "stagesfiles",
    }
    rng = random.Random(0)
    for path, content in whole.items():
        for _ in range(5):
            place = rng.randrange(len(content))
            path.write_bytes(content[:place] + bytes([content[place] ^ rng.choice((1, 2, 4))]) + content[place + 1 :])
            assert state() == expected, (path, place)
            path.write_bytes(content)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("folder", "expected"), [(0o775, 0o664), (0o777, 0o666), (0o755, 0o600)])
def test_a_file_is_as_open_as_its_folder(tmp_path: Path, folder: int, expected: int) -> None:
    """Whatever the umask: a group that shares a folder shares the lock and the caches in it."""
    tmp_path.chmod(folder)
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "file", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == expected
