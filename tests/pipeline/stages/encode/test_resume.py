"""An interrupted encode goes on, and ends with the same output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.sources.base import Modality
from pipeline.stages.encode.timelines.params import SeriesParams

INERTIAL = Modality("series", ("inertial",), 50.0)


def data(count: int) -> dict[Any, Any]:
    random = np.random.default_rng(3)
    return {(f"r{n:03}", "inertial"): random.normal(size=(60 + n % 9, 3)) for n in range(count)}


def test_finished_shards_are_kept_and_what_they_found_broken_too(encode: Any, memory: Any, tmp_path: Path) -> None:
    source = memory(data(200))
    source.broken = {("r010", "inertial"): "truncated", ("r190", "inertial"): "wrong key"}
    whole, expected = encode(source, INERTIAL, SeriesParams(), strict=False, key="1" * 64)

    source.explode = {"r130"}
    with pytest.raises(KeyboardInterrupt):
        encode(source, INERTIAL, SeriesParams(), strict=False)
    kept = {path: path.stat() for path in (tmp_path / "store/outputs/encode" / ("0" * 64)).rglob("c/*/0*/**/*")}
    source.explode, source.read = set(), []
    seen: list[tuple[int, int]] = []
    output, provenance = encode(
        source,
        INERTIAL,
        SeriesParams(),
        strict=False,
        progress=lambda done, total: seen.append((done, total)),
    )

    assert sorted(source.read) == [f"r{n:03}" for n in range(128, 200)]
    assert seen == sorted(seen)
    assert {(64, 200), (128, 200), (129, 200), (200, 200)} <= set(seen)
    assert (63, 200) not in seen
    for name in ("features", "valid", "series"):
        np.testing.assert_array_equal(output.read(name), whole.read(name))
    assert provenance["late_broken"] == expected["late_broken"]
    assert [late["recording"] for late in provenance["late_broken"]] == ["r010", "r190"]
    files = [path for path in kept if path.is_file()]
    assert files
    for path in files:
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (kept[path].st_ino, kept[path].st_mtime_ns)


def test_where_notes_are_lost_the_rows_tell_what_was_broken(encode: Any, memory: Any, tmp_path: Path) -> None:
    source = memory(data(100))
    source.broken = {("r010", "inertial"): "truncated"}
    source.explode = {"r070"}
    with pytest.raises(KeyboardInterrupt):
        encode(source, INERTIAL, SeriesParams(), strict=False)
    for note in (tmp_path / "store").rglob("*.scratch/skipped-*.json"):
        note.write_bytes(b"")
    source.explode = set()
    _, provenance = encode(source, INERTIAL, SeriesParams(), strict=False)
    (late,) = provenance["late_broken"]
    assert late["recording"] == "r010"
    assert "by an earlier, interrupted run" in late["reason"]
