"""Files of published data sets, read by their description alone, hold what the built-in sources read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.sources.berkeley_mhad import shimmer
from pipeline.sources.folder.reading.frames.video import Owner, open_video
from pipeline.sources.folder.reading.read import read_series
from pipeline.sources.utd_mhad import UtdMhad

from .reads import stream

AXES = {"skeleton": ["joint", "axis", "time"], "inertial": ["time", "channel"], "depth": ["row", "column", "time"]}


@pytest.mark.realdata
def test_utd_mhad(real_utd_mhad: Path) -> None:
    source = UtdMhad(real_utd_mhad)
    recordings = source.list().recordings
    for row in recordings[:: len(recordings) // 10]:
        for name in ("skeleton", "inertial"):
            said = stream(kind="skeleton" if name == "skeleton" else "series", axes=AXES[name], joints="utd-mhad")
            found = read_series([real_utd_mhad / row.streams[name][0]], said).series
            assert found.times is None
            assert np.array_equal(found.values, source.open_series(row, name).values)
        video = open_video(
            real_utd_mhad, row.streams["depth"], stream(kind="video", axes=AXES["depth"]), Owner(row.id, "depth")
        )
        assert np.array_equal(video.loaded, source.open_video(row, "depth").loaded)  # type: ignore[arg-type]


@pytest.mark.realdata
def test_berkeley_mhad(real_berkeley_mhad: Path) -> None:
    files = sorted((real_berkeley_mhad / "Accelerometer").rglob("*.txt"))
    for path in files[:: len(files) // 20]:
        found = read_series([path], stream(rate=30.0, columns=[1, 2, 3], time={"column": 4}, units="g"))
        expected = shimmer.read(path, limit=None)
        assert expected.times is not None
        if found.notes.spread:
            continue  # the built-in source takes the mean of samples that share a time
        assert np.array_equal(found.series.times, expected.times)  # type: ignore[arg-type]
        assert np.array_equal(found.series.values, expected.values)
