"""Skeletons in JSON as MediaPipe, OpenPose and Kinect write them: a document of frames, or a file a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pipeline.sources.broken_file import BrokenFileError, read_nonempty
from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.reading.exports.bodies import FRAMES, Body, bodies_of
from pipeline.sources.folder.reading.exports.one_body import samples_of
from pipeline.sources.folder.reading.samples import Samples, Stamps


def read(paths: Sequence[Path], stream: Stream) -> Samples:
    """Read files in their order, each of them a list of frames (also under ``frames``, or a line each) or one frame.

    `samples_of` says which body is taken where frames have several. Joints in the picture alone (OpenPose's
    ``pose_keypoints_2d``) have z = 0, which the notes say. ``key`` says what the list of joints is called;
    ``time.column`` what a frame's time is.

    Raises
    ------
    BrokenFileError
        No JSON, no joints, frames with different numbers of joints, or a frame without its time.
    OSError
        The system does not let it be read.
    """
    files = [frames_of(path) for path in paths]
    frames = [frame for each in files for frame in each]
    places = [_place(file, at, len(paths)) for file, each in enumerate(files) for at in range(len(each))]
    found = [_bodies(frame, place, stream.key) for frame, place in zip(frames, places, strict=True)]
    stamps = None if stream.time is None else _stamps(frames, places, stream.time.column)
    return samples_of(found, places, stream, "JSON", stamps)


def frames_of(path: Path) -> Sequence[Any]:
    """Return the frames of a file as JSON has them; raises as `read`."""
    return _frames(_document(path))


def _document(path: Path) -> Any:
    data = read_nonempty(path).removeprefix(b"\xef\xbb\xbf")
    if (wrong := _not_utf8(data)) is not None:
        raise BrokenFileError(f"is no JSON (byte {wrong} is not UTF-8)")
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        lines = data.splitlines()
        try:  # a document a line
            found = [msgspec.json.decode(line) for line in lines if line.strip()]
        except msgspec.DecodeError:
            raise BrokenFileError(f"is no JSON ({str(error)[:120]})") from error
        return found


def _not_utf8(data: bytes) -> int | None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _frames(document: Any) -> Sequence[Any]:
    if isinstance(document, Mapping):
        inside = next((document[name] for name in FRAMES if isinstance(document.get(name), list)), None)
        return [document] if inside is None else inside
    if not isinstance(document, list):
        raise BrokenFileError("is JSON, but neither a list of frames nor a frame")
    if document and all(isinstance(each, Mapping) and {"x", "y"} <= each.keys() for each in document):
        return [document]  # the joints of one frame
    return document


def _place(file: int, frame: int, files: int) -> str:
    return f"frame {frame + 1}" if files == 1 else f"file {file + 1} of the stream, frame {frame + 1}"


def _bodies(frame: Any, place: str, key: str) -> list[Body]:
    try:
        return bodies_of(frame, key)
    except BrokenFileError as error:
        raise BrokenFileError(f"{place} {error}") from None


def _stamps(frames: Sequence[Any], places: Sequence[str], column: str | int | tuple[str | int, ...]) -> Stamps:
    if not isinstance(column, str):
        raise BrokenFileError("is JSON, where time.column is one name: what a frame's time is called")
    found = [frame.get(column) if isinstance(frame, Mapping) else None for frame in frames]
    if None in found:
        at = found.index(None)
        known = ", ".join(map(str, frames[at])) if isinstance(frames[at], Mapping) else "nothing but joints"
        raise BrokenFileError(f"{places[at]} has no `{column}` (time.column); it has {known[:80]}")
    if all(isinstance(each, str) for each in found):
        return [str(each) for each in found]
    if not all(isinstance(each, (int, float)) for each in found):
        raise BrokenFileError(f"has a `{column}` (time.column) that is neither a number nor text")
    if all(isinstance(each, int) for each in found):
        return np.array(found, np.int64)
    return np.array(found, np.float64)
