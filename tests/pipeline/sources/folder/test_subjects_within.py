"""A file of several subjects, one under the other or mixed: as if each had a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder

IMU = {"rate": 10, "time": {"column": "ms", "unit": "ms"}, "columns": ["x", "y"]}
ALL = {"imu": {**IMU, "files": "all.csv"}}
WHOSE = {"label": "act", "subject": "user", "session": "day"}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIPELINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def folder(root: Path, streams: Any, segments: Any, **described: Any) -> Folder:
    body = {"root": ".", "classes": ["walk", "run"], "streams": streams, "segments": segments, **described}
    return Folder(root, msgspec.convert(body, Params))


Sample = tuple[str, int, str, int, float, float]
NAMES = ("user", "day", "act", "ms", "x", "y")


def table(seed: int, people: int = 3, samples: int = 80) -> list[Sample]:
    """Samples of people whose clocks overlap; each walks, then runs, on two days."""
    rng = np.random.default_rng(seed)
    found: list[Sample] = []
    for person in range(1, people + 1):
        for day in (1, 2):
            start = int(rng.integers(0, 3000))
            for at in range(samples):
                act = "walk" if at < samples // 2 else "run"
                found.append((f"{person:02d}", day, act, start + 100 * at, *rng.normal(size=2).tolist()))
    return found


def save(path: Path, samples: Sequence[Sequence[object]], names: Sequence[str] = NAMES) -> None:
    lines = [names, *samples] if names else samples
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines))


def of(samples: Sequence[Sample], subject: str, session: str, action: str) -> Any:
    """The (T, 2) values of a recording."""
    return np.array(
        [each[4:] for each in samples if (int(each[0]), each[1], each[2]) == (int(subject), int(session), action)]
    )


def everything(source: Folder) -> dict[tuple[str, str, str], tuple[Any, Any, Any]]:
    listing = source.list()
    assert not listing.unparsed
    found = {}
    for each in listing.recordings:
        series = source.open_series(each, "imu")
        found[each.subject, each.session, each.action] = (each.start, series.values, series.times)
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), mixed=st.booleans(), clocks=st.sampled_from(["relative", "shared"]))
def test_each_is_read_as_if_it_had_a_file_of_its_own(tmp_path: Path, seed: int, mixed: bool, clocks: str) -> None:
    samples = table(seed)
    root, own = tmp_path / f"{seed}{mixed}{clocks}", tmp_path / f"{seed}{mixed}{clocks}-own"
    for path in (root, own):
        path.mkdir(exist_ok=True)
    for user, day in {each[:2] for each in samples}:
        save(own / f"{user}_{day}.csv", [each[2:] for each in samples if each[:2] == (user, day)], NAMES[2:])
    order = np.random.default_rng(seed).permutation(len(samples)) if mixed else range(len(samples))
    save(root / "all.csv", [samples[at] for at in order])
    one = everything(folder(root, ALL, {"columns": WHOSE}, clocks=clocks))
    alone = {"imu": {**IMU, "files": "{subject}_{session}.csv"}}
    many = everything(folder(own, alone, {"column": "act"}, clocks=clocks))
    assert one.keys() == many.keys()
    assert len(one) == 12
    for whose, (start, values, times) in many.items():
        assert one[whose][0] == start
        np.testing.assert_array_equal(one[whose][1], values)
        np.testing.assert_array_equal(one[whose][2], times)


def as_parquet(samples: list[Sample], root: Path) -> dict[str, Any]:
    columns = dict(zip(NAMES, zip(*samples, strict=True), strict=True))
    pq.write_table(pa.table({name: [*values] for name, values in columns.items()}), root / "all.parquet")
    return {"imu": {**IMU, "files": "all.parquet"}}


def as_two_streams(samples: list[Sample], root: Path) -> dict[str, Any]:
    """The other one in a file of its own, which has the columns, too."""
    save(root / "other.csv", [(*each[:4], -each[4], each[5]) for each in samples])
    save(root / "all.csv", samples)
    return {**ALL, "other": {**IMU, "files": "other.csv"}}


def as_numbers(samples: list[Sample], root: Path) -> dict[str, Any]:
    """Without a line of names, and all columns that are left are channels."""
    save(root / "all.csv", samples, ())
    return {"imu": {"rate": 10, "files": "all.csv", "time": {"column": 4, "unit": "ms"}}}


@pytest.mark.parametrize(
    ("write", "whose"),
    [(as_parquet, WHOSE), (as_two_streams, WHOSE), (as_numbers, {"label": 3, "subject": 1, "session": 2})],
)
def test_other_ways_to_write_it(tmp_path: Path, write: Callable[..., Any], whose: Any) -> None:
    samples = table(0)
    source = folder(tmp_path, write(samples, tmp_path), {"columns": whose})
    for each in source.list().recordings:
        wanted = of(samples, each.subject, each.session, each.action)
        np.testing.assert_array_equal(source.open_series(each, "imu").values, wanted)
        if "other" in each.streams:
            np.testing.assert_array_equal(source.open_series(each, "other").values[:, 0], -wanted[:, 0])


def test_a_column_that_is_constant_names_the_file(tmp_path: Path) -> None:
    samples = [each for each in table(1, people=2) if each[1] == 1]
    for number, (user, act) in enumerate(sorted({(each[0], each[2]) for each in samples})):
        save(tmp_path / f"{number}-{act}.csv", [each for each in samples if (each[0], each[2]) == (user, act)])
    streams = {"imu": {**IMU, "files": "{file}-{label}.csv"}}
    source = folder(tmp_path, streams, {"columns": {"subject": "user"}, "windows": {"seconds": 2}})
    found = source.list().recordings
    assert [(each.subject, each.action) for each in found].count(("1", "walk")) == 2
    assert {(each.subject, each.action) for each in found} == {(s, a) for s in "12" for a in ("walk", "run")}
    first = next(each for each in found if (each.subject, each.action, each.start) == ("2", "run", 0.0))
    np.testing.assert_array_equal(source.open_series(first, "imu").values, of(samples, "2", "1", "run")[:20])


def test_who_is_left_out_and_samples_of_nobody(tmp_path: Path) -> None:
    save(tmp_path / "all.csv", [("" if each[0] == "03" else each[0], *each[1:]) for each in table(2)])
    source = folder(tmp_path, ALL, {"columns": WHOSE}, without={"subject": 1})
    assert {each.subject for each in source.list().recordings} == {"2"}


def test_a_file_whose_name_says_otherwise(tmp_path: Path) -> None:
    for user in ("01", "02"):
        save(tmp_path / f"{user}.csv", [each for each in table(2) if each[0] == user])
    streams = {"imu": {**IMU, "files": "{subject}.csv"}}
    assert len(folder(tmp_path, streams, {"columns": WHOSE}).list().recordings) == 8
    save(tmp_path / "02.csv", [each for each in table(2) if each[0] == "03"])
    with pytest.raises(ConfigError, match=r"02.csv: says subject 3, but its path says subject 2"):
        folder(tmp_path, streams, {"columns": WHOSE}).list()


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    save(tmp_path / "all.csv", table(3))
    with pytest.raises(ConfigError, match=r"has no column `who` .source.segments.; it has `user`, `day`"):
        folder(tmp_path, ALL, {"columns": {**WHOSE, "subject": "who"}}).list()


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ({"columns": WHOSE, "column": "act"}, "segments: has `column` and `columns: {label: ...}`"),
        ({"columns": {"id": "user"}}, "segments: columns: id is told by tables alone"),
        ({"columns": WHOSE, "rest": "run"}, "segments: rest: is not known where columns say whose"),
    ],
)
def test_a_description_that_says_nothing_sensible(tmp_path: Path, segments: Any, said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        folder(tmp_path, ALL, segments)
