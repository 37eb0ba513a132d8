"""The Berkeley-MHAD reader: what it lists, on files written here and on the real dataset."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.sources.base import Listing, Unparsed
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad, Params

from .berkeley_mhad_files import source_of, write, write_picture

PLACES = ("left-wrist", "right-wrist", "left-hip", "right-hip", "left-ankle", "right-ankle")


class TestListing:
    def test_a_recording_joins_its_streams(self, tmp_path: Path) -> None:
        for number in range(1, 7):
            write(tmp_path, "", f"Accelerometer/Shimmer{number:02d}/acc_h{number:02d}_s12_a09_r05.txt")
        for number in (10, 2, 0):
            picture = tmp_path / f"Camera/Cluster01/Cam01/S12/A09/R05/img_l01_c01_s12_a09_r05_{number:05d}.pgm"
            write_picture(picture, np.zeros((2, 2), np.uint8))
        (row,) = BerkeleyMhad(tmp_path).list().recordings
        assert (row.id, row.subject, row.session) == ("s12_a09_r05", "12", "5")
        assert row.action == "sit_down_then_stand_up"
        assert set(row.streams) == {"rgb", *(f"shimmer{number}" for number in range(1, 7))}
        assert row.streams["shimmer3"] == ("Accelerometer/Shimmer03/acc_h03_s12_a09_r05.txt",)
        assert [path[-9:] for path in row.streams["rgb"]] == ["00000.pgm", "00002.pgm", "00010.pgm"]

    def test_modalities_are_places_on_the_body(self) -> None:
        streams = {place: BerkeleyMhad.modalities[place].streams for place in PLACES}
        assert streams == {place: (f"shimmer{number}",) for number, place in enumerate(PLACES, 1)}
        assert set(BerkeleyMhad.modalities) == {*PLACES, "rgb"}

    @settings(max_examples=30)
    @given(
        st.sets(st.tuples(st.integers(1, 99), st.integers(1, 11), st.integers(1, 99), st.integers(1, 6)), min_size=1)
    )
    def test_every_name_is_listed_once_and_in_order(self, written: set[tuple[int, int, int, int]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for subject, action, repetition, sensor in written:
                name = f"acc_h{sensor:02d}_s{subject:02d}_a{action:02d}_r{repetition:02d}.txt"
                write(Path(folder), "", f"Accelerometer/Shimmer{sensor:02d}/{name}")
            listing = BerkeleyMhad(Path(folder)).list()
        found = {
            (int(row.subject), BerkeleyMhad.classes.index(row.action) + 1, int(row.session), int(stream[-1]))
            for row in listing.recordings
            for stream in row.streams
        }
        ids = [row.id for row in listing.recordings]
        assert found == written
        assert ids == sorted(set(ids))
        assert listing.unparsed == ()

    def test_another_camera(self, tmp_path: Path) -> None:
        write(tmp_path, "")
        name = "Camera/Cluster03/Cam02/S01/A01/R01/img_l03_c02_s01_a01_r01_00000.pgm"
        write_picture(tmp_path / name, np.zeros((2, 2), np.uint8))
        assert "rgb" not in BerkeleyMhad(tmp_path).list().recordings[0].streams
        assert source_of(tmp_path, camera="l03_c02").list().recordings[0].streams["rgb"] == (name,)

    @pytest.mark.parametrize("params", [{"camera": "l05_c01"}, {"camera": "1"}, {"limit": 0}, {"limit": "2 g"}])
    def test_parameters_that_cannot_be(self, tmp_path: Path, params: dict[str, object]) -> None:
        with pytest.raises(msgspec.ValidationError):
            source_of(tmp_path, **params)

    def test_names_that_do_not_parse_are_reported(self, tmp_path: Path) -> None:
        write(tmp_path, "")
        wrong = {
            "Accelerometer/Shimmer01/acc_h01_s01_a00_r01.txt": "not named like acc_h01_s01_a01_r01.txt",
            "Accelerometer/Shimmer01/acc_h01_s01_a12_r01.txt": "action 12 is not one of 1..11",
            "Accelerometer/Shimmer01/acc_h02_s01_a01_r01.txt": "not named like acc_h01_s01_a01_r01.txt",
            "Accelerometer/Shimmer02/acc_h02_s1_a1_r1.txt": "not named like acc_h02_s01_a01_r01.txt",
            "Camera/Cluster01/Cam01/S01/A01/R01/img_l01_c01_s01_a01_r02_00000.pgm": (
                "not named like img_l01_c01_s01_a01_r01_00000.pgm"
            ),
            "Camera/Cluster01/Cam01/S01/A12/R01/img_l01_c01_s01_a12_r01_00000.pgm": "action 12 is not one of 1..11",
            "Camera/Cluster01/Cam01/S01/thumbs.db": "not in a folder like Camera/Cluster01/Cam01/S01/A01/R01",
        }
        for name in [*wrong, "Accelerometer/Shimmer01/.hidden", "Camera/Cluster02/Cam01/other"]:
            write(tmp_path, "", name)
        listing = BerkeleyMhad(tmp_path).list()
        assert [row.id for row in listing.recordings] == ["s01_a01_r01"]
        assert listing.unparsed == tuple(
            Unparsed(f"shimmer{name[22]}" if name.startswith("Acc") else "rgb", name, reason)
            for name, reason in sorted(wrong.items())
        )

    @pytest.mark.parametrize("make", [None, "empty", "files"])
    def test_a_root_without_recordings_is_a_configuration_error(self, tmp_path: Path, make: str | None) -> None:
        root = tmp_path / "data"
        if make:
            root.mkdir()
        if make == "files":
            write(root, "", "Accelerometer/Shimmer01/readme.txt")
        with pytest.raises(ConfigError) as caught:
            BerkeleyMhad(root).list()
        print(caught.value)
        assert str(root) in str(caught.value)
        assert "set source.root to the folder of berkeley-mhad (--set source.root=DIR)" in str(caught.value)

    def test_listing_imports_nothing_heavy(self, tmp_path: Path) -> None:
        write(tmp_path, "")
        code = (
            "import sys, pathlib; from pipeline.sources.berkeley_mhad.source import BerkeleyMhad;"
            f"BerkeleyMhad(pathlib.Path({str(tmp_path)!r})).list();"
            "print([m for m in ('numpy', 'scipy', 'av', 'torch') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def source(real_berkeley_mhad: Path) -> BerkeleyMhad:
    """The dataset as its authors published it, but for the cameras."""
    return BerkeleyMhad(real_berkeley_mhad)


@pytest.fixture(scope="module")
def listing(source: BerkeleyMhad) -> Listing:
    return source.list()


@pytest.mark.realdata
class TestRealData:
    def test_all_trials_are_listed(self, listing: Listing) -> None:
        assert listing.unparsed == ()
        assert len(listing.recordings) == 658
        files = Counter(stream for row in listing.recordings for stream in row.streams if stream.startswith("shimmer"))
        assert files == {f"shimmer{number}": 658 for number in range(1, 7)}
        every = {f"s{s:02d}_a{a:02d}_r{r:02d}" for s in range(1, 13) for a in range(1, 12) for r in range(1, 6)}
        assert every - {row.id for row in listing.recordings} == {"s02_a07_r05", "s04_a08_r05"}
        assert {row.action for row in listing.recordings} == set(BerkeleyMhad.classes)
        assert sum(int(row.subject) <= 7 for row in listing.recordings) == 383

    def test_every_file_can_be_read(self, source: BerkeleyMhad, listing: Listing) -> None:
        """And they are what docs/datasets/berkeley-mhad.md says of them."""
        lengths, rates, still = [], [], []
        for row in listing.recordings:
            for stream in sorted(set(row.streams) - {"rgb"}):
                series = source.open_series(row, stream)
                assert series.times is not None
                assert series.values.shape == (len(series.times), 3)
                assert np.isfinite(series.values).all()
                assert np.abs(series.values).max() <= 2
                assert series.times[0] == 0
                assert np.diff(series.times).min() > 0
                assert np.diff(series.times).max() < 1.2
                lengths.append(len(series.values))
                rates.append((lengths[-1] - 1) / series.times[-1])
                still.append(np.linalg.norm(np.median(series.values, axis=0)))
        assert (len(lengths), min(lengths), max(lengths)) == (3948, 26, 942)
        assert sum(lengths) == 920_866 - 16  # glitches
        assert np.median(rates) == pytest.approx(31.06, abs=0.01)
        assert 0.7 < np.median(still) < 1  # g: gravity, by sensors that are not calibrated

    def test_a_glitch_is_known(self, source: BerkeleyMhad, listing: Listing) -> None:
        row = next(row for row in listing.recordings if row.id == "s08_a06_r03")
        everything = BerkeleyMhad(source.root, Params(str(source.root), limit=None))
        assert everything.open_series(row, "shimmer4").values.max() == 60.748047
        assert source.open_series(row, "shimmer4").values.max() < 1
