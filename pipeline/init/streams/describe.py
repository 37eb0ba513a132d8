"""From a group of files to the streams that they are."""

from __future__ import annotations

from pathlib import Path

from pipeline.init.look.clips import read_clip
from pipeline.init.look.sheets import Sheet
from pipeline.init.names.groups import Group
from pipeline.init.streams.array import describe_arrays
from pipeline.init.streams.clocks.clock import find_clock, nominal
from pipeline.init.streams.found import NOMINAL, StreamFound, read_some, some_of, tidy
from pipeline.init.streams.skeleton import skeleton_keys
from pipeline.init.streams.table import describe_table, with_clock
from pipeline.sources.folder.params import Stream


def describe(root: Path, group: Group) -> list[StreamFound]:
    """Look at a few of a group's files and describe the streams that they are.

    Raises
    ------
    BrokenFileError
        None of them can be read and is understood; says why.
    """
    if group.kind in ("csv", "parquet", "excel"):
        return [describe_table(root, group)]
    if group.kind in ("npy", "npz", "mat", "hdf5"):
        return describe_arrays(root, group)
    if group.kind == "json":
        return [_json(root, group)]
    return [_video(root, group)]


def _video(root: Path, group: Group) -> StreamFound:
    words = [word.lower() for word in group.words]
    name = "depth" if any("depth" in word for word in words) else words[-1] if words else "video"
    found = StreamFound(group, name, {"kind": "video"})
    if group.kind == "images":
        found.keys["rate"] = tidy(NOMINAL["video"])
        found.comments["rate"] = "assumed, since pictures have no time; it changes nothing while `align` is `resample`"
        found.facts = "pictures in order"
        return found
    clips = read_some(some_of(root, group), read_clip)
    clip = clips[len(clips) // 2]
    found.keys["rate"] = tidy(nominal(clip.rate or NOMINAL["video"]))
    found.seconds = sorted(each.seconds for each in clips)[len(clips) // 2]
    found.facts = f"{clip.width} x {clip.height}"
    if clip.depth and not words:
        found.name = "depth"
    return found


def _json(root: Path, group: Group) -> StreamFound:
    from pipeline.sources.folder.reading.exports import skeleton_json

    stream = Stream(kind="skeleton", rate=NOMINAL["skeleton"])
    (samples,) = read_some(some_of(root, group, 3), lambda path: skeleton_json.read([path], stream), most=1)
    values = samples.values.reshape(len(samples.values), *samples.shape)
    found = StreamFound(group, group.words[-1] if group.words else "skeleton", {"kind": "skeleton"})
    sheets = read_some(some_of(root, group, 3), _scalars)
    clock = find_clock(sheets) if all(sheet.names == sheets[0].names for sheet in sheets) else None
    if clock is not None:
        with_clock(found, sheets, clock)
    else:
        found.keys["rate"] = tidy(NOMINAL["skeleton"])
        found.comments["rate"] = "assumed; it changes nothing while `align` is `resample`"
    keys, comments, questions = skeleton_keys(values)
    found.keys.update(keys)
    found.comments.update(comments)
    found.questions += questions
    if samples.notes.flat:
        found.comments[""] = "joints in the picture alone, without depth: z is 0"
    if len(values) > 1 and clock is None:
        found.seconds = len(values) / found.rate
    found.facts = f"{samples.shape[0]} joints, {keys.get('joints', 'layout unknown')}"
    found.keys["missing"] = "interpolate"
    found.comments["missing"] = "joints that were not seen, frames without a body"
    return found


def _scalars(path: Path) -> Sheet:
    """Return what is no list in the frames of a JSON file, as a table: their times are among it."""
    from pipeline.sources.folder.reading.exports.skeleton_json import frames_of

    frames = [frame if isinstance(frame, dict) else {} for frame in frames_of(path)]
    first = frames[0] if frames else {}
    names = [name for name, value in first.items() if isinstance(value, (int, float, str))]
    return Sheet(tuple(names), tuple(tuple(str(frame.get(name, "")) for frame in frames) for name in names))
