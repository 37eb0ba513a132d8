"""Videos, pictures and arrays of frames, whole, in several files and in part."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from pipeline.errors import BadRecording
from pipeline.sources.base import Video
from pipeline.sources.folder.natural_order import natural
from pipeline.sources.folder.reading.cut import Span
from pipeline.sources.folder.reading.frames.video import Owner, open_video, probe_video

from ..reads import stream

DEPTH = (np.arange(3 * 4 * 5).reshape(3, 4, 5) * 1000 + 7).astype(np.uint16)
COLOUR = np.random.default_rng(0).integers(0, 255, (3, 4, 6, 3), np.uint8)


def opened(root: Path, files: Sequence[str], span: Span | None = None, **said: Any) -> Video:
    return open_video(root, files, stream(kind="video", **{"rate": 10.0, **said}), Owner("r1", "cam"), span)


def frames(video: Video, wanted: list[int] | None = None) -> NDArray[Any]:
    found = np.stack([*video.frames(None if wanted is None else np.array(wanted))])
    if wanted is None:
        assert len(found) == video.length
    return found


def refused(root: Path, files: Sequence[str], span: Span | None = None, **said: Any) -> str:
    with pytest.raises(BadRecording) as error:
        frames(opened(root, files, span, **said))
    print(error.value)
    return str(error.value)


def picture(array: NDArray[Any], codec: str = "png", format: str = "") -> bytes:
    kind = format or ("rgb24" if array.ndim == 3 else "gray16be" if array.dtype == np.uint16 else "gray")
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt, context.time_base = (
        array.shape[1],
        array.shape[0],
        kind,
        Fraction(1, 25),
    )
    frame = av.VideoFrame.from_ndarray(array, format="rgb24" if array.ndim == 3 else kind)
    return b"".join(bytes(packet) for packet in [*context.encode(frame.reformat(format=kind)), *context.encode(None)])


def pgm(array: NDArray[Any], white: int) -> bytes:
    return (
        f"P5\n{array.shape[1]} {array.shape[0]}\n{white}\n".encode()
        + array.astype(">u2" if white > 255 else "u1").tobytes()
    )


def write_video(path: Path, levels: Sequence[int], times: Sequence[float] | None = None) -> None:
    """Write a frame of each grey level, at times in seconds."""
    with av.open(str(path), "w") as container:
        out = container.add_stream("ffv1" if path.suffix == ".mkv" else "mpeg4", rate=10)
        out.width, out.height, out.pix_fmt = 32, 16, "yuv420p"
        out.codec_context.time_base = Fraction(1, 1000)
        for at, level in enumerate(levels):
            frame = av.VideoFrame.from_ndarray(np.full((16, 32, 3), level, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(1000 * (at / 10 if times is None else times[at])), Fraction(1, 1000)
            container.mux(out.encode(frame.reformat(format="yuv420p")))
        container.mux(out.encode(None))


def levels(found: NDArray[Any]) -> list[int]:
    return [round(float(frame.mean()) / 10) * 10 for frame in found]


@pytest.mark.parametrize("write", [picture, lambda each: pgm(each, 65535), lambda each: pgm(each, 60000)])
def test_pictures_of_16_bits_are_depth(write: Callable[[NDArray[Any]], bytes], tmp_path: Path) -> None:
    for at, each in zip((10, 9, 2), DEPTH[::-1], strict=True):
        (tmp_path / f"f{at}.{'png' if write is picture else 'pgm'}").write_bytes(write(each))
    files = sorted((path.name for path in tmp_path.iterdir()), key=natural)
    video = opened(tmp_path, files)
    assert (frames(video) == DEPTH).all()
    assert frames(video).dtype == np.uint16
    assert (frames(video, [0, 2]) == DEPTH[[0, 2]]).all()
    assert probe_video(video).shape == (4, 5)


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "walk").mkdir()
    for at, each in enumerate(COLOUR):
        (tmp_path / f"walk/{at + 8}.png").write_bytes(picture(each))
    (tmp_path / "walk/.DS_Store").write_bytes(b"x")
    (tmp_path / "walk/notes.txt").write_bytes(b"x")
    assert (frames(opened(tmp_path, ["walk"])) == COLOUR).all()
    assert (frames(opened(tmp_path, ["walk"], Span(0.1, 0.3))) == COLOUR[1:]).all()
    (tmp_path / "none").mkdir()
    assert "without pictures" in refused(tmp_path, ["none"])


def test_grey_pictures_become_colour(tmp_path: Path) -> None:
    grey = COLOUR[0, :, :, 0]
    for name, content in (("a.png", picture(grey)), ("a.pgm", pgm(grey, 255))):
        (tmp_path / name).write_bytes(content)
        assert (frames(opened(tmp_path, [name]))[0] == np.repeat(grey[..., None], 3, 2)).all()


def test_jpeg(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(np.full((16, 16, 3), 100, np.uint8), "mjpeg", "yuvj420p"))
    (found,) = frames(opened(tmp_path, ["a.jpg"]))
    assert found.shape == (16, 16, 3)
    assert abs(found.astype(int) - 100).max() < 6


def test_transparency_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(COLOUR[0], format="rgba"))
    assert (frames(opened(tmp_path, ["a.png"]))[0] == COLOUR[0]).all()


def test_videos(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mkv", [10, 50, 90])
    write_video(tmp_path / "b.mkv", [130, 170])
    assert levels(frames(opened(tmp_path, ["a.mkv"]))) == [10, 50, 90]
    assert levels(frames(opened(tmp_path, ["b.mkv", "a.mkv"]))) == [130, 170, 10, 50, 90]
    both = opened(tmp_path, ["a.mkv", "b.mkv"])
    assert levels(frames(both)) == [10, 50, 90, 130, 170]
    assert levels(frames(both, [0, 3, 4])) == [10, 130, 170]
    part = opened(tmp_path, ["a.mkv", "b.mkv"], Span(0.1, 0.4))
    assert levels(frames(part)) == [50, 90, 130]
    assert levels(frames(part, [1, 2])) == [90, 130]
    assert probe_video(part).length == 3


def test_parts_go_by_the_files_own_times(tmp_path: Path) -> None:
    """A phone's frames are not evenly spaced; the nominal rate would cut elsewhere."""
    write_video(tmp_path / "a.mkv", [10, 50, 90, 130], [0, 0.1, 1.0, 1.1])
    assert levels(frames(opened(tmp_path, ["a.mkv"], Span(0.5, 2)))) == [90, 130]
    assert levels(frames(opened(tmp_path, ["a.mkv"], Span(2.5, 4), offset=2.0))) == [90, 130]
    assert "no sample from 5 s" in refused(tmp_path, ["a.mkv"], Span(5, 6))


@pytest.mark.parametrize("end", ["npy", "mat", "npz"])
def test_depth_in_an_array(end: str, tmp_path: Path) -> None:
    array = DEPTH.transpose(1, 2, 0)  # (row, column, time), as UTD-MHAD has it
    file = io.BytesIO()
    {"npy": np.save, "npz": lambda f, a: np.savez(f, d=a), "mat": lambda f, a: savemat(f, {"d": a})}[end](file, array)
    (tmp_path / f"a.{end}").write_bytes(file.getvalue())
    video = opened(tmp_path, [f"a.{end}"], axes=["row", "column", "time"])
    assert video.loaded is not None
    assert video.loaded.dtype == np.uint16
    assert (video.loaded == DEPTH).all()
    assert (frames(video, [1]) == DEPTH[[1]]).all()
    if end == "mat":
        assert "(4, 5, 3): say its axes" in refused(tmp_path, ["a.mat"])
    part = opened(tmp_path, [f"a.{end}"], Span(0.1), axes=["row", "column", "time"])
    assert part.loaded is not None
    assert (part.loaded == DEPTH[1:]).all()


def test_colour_in_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", COLOUR)
    assert (frames(opened(tmp_path, ["a.npy"])) == COLOUR).all()


WRONG: dict[str, tuple[str, bytes, list[str]]] = {
    "no picture": ("a.png", b"damage", ["no picture"]),
    "an empty picture": ("a.png", b"", ["empty"]),
    "a picture cut off": ("a.png", picture(COLOUR[0])[:60], ["picture"]),
    "a video cut off": ("a.mp4", b"\0\0\0\x18ftypisom", ["truncated"]),
    "no video": ("a.mkv", b"damage" * 100, ["video"]),
    "a table": ("a.csv", b"1,2\n", ["kind: series"]),
    "16 bits a colour": ("a.png", picture(COLOUR[0], format="rgb48be"), ["16 bits a colour"]),
    "values that fit no depth": ("a.npy", b"", []),
}


@pytest.mark.parametrize("case", WRONG)
def test_messages(case: str, tmp_path: Path) -> None:
    name, content, words = WRONG[case]
    (tmp_path / name).write_bytes(content)
    if case == "values that fit no depth":
        np.save(tmp_path / name, DEPTH - 7000.5)
        words = ["uint16"]
    message = refused(tmp_path, [name])
    assert [word for word in ["r1", "cam", name, *words] if word not in message] == []


def test_pictures_of_other_sizes_and_kinds(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(picture(COLOUR[0]))
    (tmp_path / "2.png").write_bytes(picture(COLOUR[0, :3]))
    assert "6 x 3 colour" in refused(tmp_path, ["1.png", "2.png"])
    (tmp_path / "2.png").write_bytes(picture(DEPTH[0]))
    message = refused(tmp_path, ["1.png", "2.png"])
    assert "2.png" in message
    assert "depth" in message
