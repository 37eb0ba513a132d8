"""Real data sets: `init` asks nothing, and describes them as the sources that are written for them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from pipeline.init.looked import look_at
from pipeline.init.proposal import Proposal, propose
from pipeline.sources.base import Source
from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
pytestmark = pytest.mark.realdata


def described(root: Path) -> tuple[Proposal, Folder]:
    if not root.is_dir():
        pytest.skip(f"no {root}")
    found = propose(look_at(root), [])
    assert found.questions == []
    source = {key: value for key, value in found.document["source"].items() if key != "name"}
    return found, Folder(root, msgspec.convert({"root": str(root), **source}, Params))


def check_alike(folder: Folder, built_in: Source, names: dict[str, str], every: int) -> None:
    """Compare recordings, subjects, files and some series; `names` are the built-in source's streams by ours."""
    ours = {tuple(sorted(each.streams.values())): each for each in folder.list().recordings}
    theirs = {tuple(sorted(each.streams.values())): each for each in built_in.list().recordings}
    assert ours.keys() == theirs.keys()
    for files, each in ours.items():
        other = theirs[files]
        assert (each.subject, each.session) == (other.subject, other.session)
        assert built_in.classes.index(other.action) == folder.classes.index(each.action)
        assert {names[stream]: paths for stream, paths in each.streams.items()} == other.streams
    for files in sorted(ours)[::every]:
        for stream, other_stream in names.items():
            if stream not in ours[files].streams or folder.params.streams[stream].kind == "video":
                continue
            series = folder.open_series(ours[files], stream)
            other_series = built_in.open_series(theirs[files], other_stream)
            values = series.values[:, : other_series.values.shape[1]]
            np.testing.assert_allclose(values, other_series.values, rtol=0, atol=1e-12)
            assert (series.times is None) == (other_series.times is None)


def test_utd_mhad() -> None:
    from pipeline.sources.utd_mhad import Params as UtdParams
    from pipeline.sources.utd_mhad import UtdMhad

    root = DATA / "utd-mhad"
    found, folder = described(root)
    streams = found.document["source"]["streams"]
    assert streams["skeleton"]["joints"] == "utd-mhad"
    assert streams["skeleton"]["units"] == "m"
    assert streams["inertial"]["units"] == ["g", "g", "g", "deg/s", "deg/s", "deg/s"]
    assert {name: stream["rate"] for name, stream in streams.items()} == {"depth": 30, "inertial": 50, "skeleton": 30}
    assert found.document["protocol"] == "subject-50-50"
    check_alike(folder, UtdMhad(root, UtdParams(str(root))), {name: name for name in streams}, 60)
    depth = folder.open_video(folder.list().recordings[0], "depth")
    assert next(iter(depth.frames(np.zeros(1, np.int64)))).shape == (240, 320)


def test_berkeley_mhad() -> None:
    from pipeline.sources.berkeley_mhad.source import BerkeleyMhad
    from pipeline.sources.berkeley_mhad.source import Params as BerkeleyParams

    root = DATA / "berkeley-mhad"
    found, folder = described(root)
    streams = found.document["source"]["streams"]
    names = {f"shimmer{number:02d}": f"shimmer{number}" for number in range(1, 7)}
    assert {*streams} == {*names}
    for stream in streams.values():
        assert (stream["units"], stream["time"]) == ("g", {"column": 4})
        assert 28 <= stream["rate"] <= 34
    built_in = BerkeleyMhad(root, BerkeleyParams(root=str(root), limit=None))
    check_alike(folder, built_in, names, 100)
