"""Any damage to a file's bytes: it reads as something, or its recording is broken; nothing else comes of it.

Twenty seeds a format are tried here; ``HARVEST_FUZZ=5000`` tries as many as one likes.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from pipeline.errors import BadRecording
from pipeline.sources.base import Recording, Source
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad
from pipeline.sources.mmact.source import Mmact
from pipeline.sources.utd_mhad import UtdMhad

CASES = int(os.environ.get("HARVEST_FUZZ", "20"))
LONGEST_S = 30
MOST_KB = 400 << 10
EXTREMES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80")

VIDEO, DEPTH, INERTIAL = "RGB/a1_s1_t1_color.avi", "Depth/a1_s1_t1_depth.mat", "Inertial/a1_s1_t1_inertial.mat"
CLIP, ROWS = (
    "trimmed_a/subject1/cam1/scene1/session1/carrying.mp4",
    "acc_phone_clip/subject1/scene1/session1/carrying.csv",
)
PICTURE = "Camera/Cluster01/Cam01/S01/A01/R01/img_l01_c01_s01_a01_r01_00000.pgm"
SAMPLES = "Accelerometer/Shimmer01/acc_h01_s01_a01_r01.txt"

FORMATS: dict[str, tuple[Any, str, str]] = {  # the reader, its stream, the file
    "avi": (UtdMhad, "rgb", VIDEO),
    "mjpeg": (UtdMhad, "rgb", VIDEO),
    "mp4": (Mmact, "rgb", CLIP),
    "mat": (UtdMhad, "inertial", INERTIAL),
    "mat-compressed": (UtdMhad, "inertial", INERTIAL),
    "mat-depth": (UtdMhad, "depth", DEPTH),
    "csv": (Mmact, "acc_phone", ROWS),
    "txt": (BerkeleyMhad, "shimmer1", SAMPLES),
    "pgm": (BerkeleyMhad, "rgb", PICTURE),
}


@pytest.fixture
def write(write_video: Callable[..., Path]) -> Callable[[str, Path], None]:
    """A function that writes one good file of a format."""
    noise = np.random.default_rng(0)

    def make(form: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if form in ("avi", "mjpeg", "mp4"):
            write_video(path, 12, codec={"avi": "mpeg4", "mjpeg": "mjpeg", "mp4": "h264"}[form])
        elif form == "mat-depth":
            frames = noise.integers(0, 3000, (240, 320, 2), dtype=np.uint16)
            savemat(path, {"d_depth": frames}, do_compression=True)
        elif form.startswith("mat"):
            savemat(path, {"d_iner": noise.normal(size=(40, 6))}, do_compression=form == "mat-compressed")
        elif form == "csv":
            rows = "".join(f"20180910_14:21:{9 + t / 100:06.3f},{t / 10},{-t},9.81\r\n" for t in range(60))
            path.write_text("time,x,y,z\r\n" + rows)
        elif form == "txt":
            path.write_text("".join(f"{t / 1024} {-t / 512} 0.5 {1347390000 + t / 30:.6f}\n" for t in range(60)))
        else:
            path.write_bytes(b"P5\n# camera\n16 12\n255\n" + bytes(192))

    return make


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Flip, replace, cut out, insert and cut off, most of it where headers are."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        at = rng.randrange(min(len(found), rng.choice([600, len(found)])) or 1)
        few = rng.choice([1, 2, 4, 8, 100])
        way = rng.randrange(6)
        if way == 0:
            found[at : at + 1] = bytes([found[at] ^ 1 << rng.randrange(8)]) if found else b""
        elif way == 1:
            found[at : at + 1] = rng.randbytes(1)
        elif way == 2:
            del found[at : at + few]
        elif way == 3:
            found[at:at] = rng.randbytes(few)
        elif way == 4:
            found[at : at + 4] = rng.choice(EXTREMES)
        else:
            del found[at:]
    return bytes(found)


def look(source: Source, recording: Recording, stream: str) -> None:
    """Read a stream in every way."""
    source.probe(recording, stream)
    if stream not in ("rgb", "depth"):
        values = source.open_series(recording, stream).values
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        return
    with source.open_video(recording, stream) as video:
        some = np.unique(np.linspace(0, video.length - 1, 5).astype(np.int64))
        assert len(list(video.frames(some, 32))) == len(some)
        assert len(list(video.frames())) == video.length


@pytest.fixture
def limited() -> Iterator[None]:
    """Fail what warns, hangs, or takes much memory."""

    def ring(*_: object) -> None:
        raise TimeoutError("hangs")

    before, start = signal.signal(signal.SIGALRM, ring), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < start + MOST_KB


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("form", FORMATS)
def test_reads_or_is_broken(form: str, tmp_path: Path, write: Callable[[str, Path], None]) -> None:
    kind, stream, name = FORMATS[form]
    path = tmp_path / name
    write(form, path)
    good, source = path.read_bytes(), kind(tmp_path)
    (recording,) = source.list().recordings
    look(source, recording, stream)
    broken = 0
    for seed in range(CASES):
        path.write_bytes(damaged(good, random.Random(f"{form} {seed}")))
        signal.alarm(LONGEST_S)
        try:
            look(source, recording, stream)
        except BadRecording as error:
            broken += error.path == name
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    assert broken > CASES / 5


@pytest.mark.parametrize("way", ["probe", "read"])
class TestVideos:
    """One damage each that was called a defect, and what FFmpeg would have read instead of a video."""

    def refused(self, root: Path, content: bytes, way: str, name: str = VIDEO) -> str:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        source = UtdMhad(root) if name == VIDEO else Mmact(root)
        (recording,) = source.list().recordings
        with pytest.raises(BadRecording) as caught:
            source.probe(recording, "rgb") if way == "probe" else list(source.open_video(recording, "rgb").frames())
        return caught.value.reason

    def test_an_unknown_codec(self, tmp_path: Path, write: Any, way: str) -> None:
        write("avi", tmp_path / VIDEO)
        content = (tmp_path / VIDEO).read_bytes().replace(b"FMP4", b"F\0P4")
        assert self.refused(tmp_path, content, way) == "has a video stream of an unknown kind"

    def test_a_list_of_other_files(self, tmp_path: Path, write: Any, way: str) -> None:
        write("avi", tmp_path / "elsewhere" / "secret.avi")
        script = b"ffconcat version 1.0\nfile elsewhere/secret.avi\n"
        (tmp_path / "RGB").mkdir()
        (tmp_path / "RGB" / "elsewhere").symlink_to(tmp_path / "elsewhere")
        assert "of a kind that is not read" in self.refused(tmp_path, script, way)

    def test_a_playlist(self, tmp_path: Path, write: Any, way: str) -> None:
        write("avi", tmp_path / "RGB" / "secret.avi")
        script = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:secret.avi\n#EXT-X-ENDLIST\n"
        assert "cannot be opened as a video" in self.refused(tmp_path, script, way)


def test_a_title_that_is_not_utf8_breaks_nothing(tmp_path: Path, write: Any) -> None:
    write("avi", tmp_path / VIDEO)
    content = (tmp_path / VIDEO).read_bytes()
    assert b"Lavf" in content
    (tmp_path / VIDEO).write_bytes(content.replace(b"Lavf", b"\xff\xfe\xe9f"))
    source = UtdMhad(tmp_path)
    look(source, source.list().recordings[0], "rgb")


@pytest.mark.parametrize("compressed", [False, True])
def test_complex_values_are_refused(tmp_path: Path, compressed: bool) -> None:
    (tmp_path / "Inertial").mkdir()
    savemat(tmp_path / INERTIAL, {"d_iner": np.ones((40, 6)) + 1j}, do_compression=compressed)
    source = UtdMhad(tmp_path)
    with pytest.raises(BadRecording, match="`d_iner` holds complex numbers, expected real ones"):
        source.probe(source.list().recordings[0], "inertial")


def test_the_first_of_two_arrays_of_one_name_counts(tmp_path: Path) -> None:
    (tmp_path / "Inertial").mkdir()
    content = b""
    for value in (1.0, 2.0):
        savemat(tmp_path / INERTIAL, {"d_iner": np.full((40, 6), value)})
        written = (tmp_path / INERTIAL).read_bytes()
        content += written[128:] if content else written
    (tmp_path / INERTIAL).write_bytes(content)
    source = UtdMhad(tmp_path)
    assert (source.open_series(source.list().recordings[0], "inertial").values == 1).all()


def test_numbers_without_end_in_the_header_of_a_picture(tmp_path: Path) -> None:
    path = tmp_path / PICTURE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"P5 " + b"9" * 5000 + b" 1 255\n" + bytes(10))
    source = BerkeleyMhad(tmp_path)
    with pytest.raises(BadRecording, match="has no header of a binary PGM picture"):
        source.probe(source.list().recordings[0], "rgb")
