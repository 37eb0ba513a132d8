"""From a group of files to the streams that they are."""

from __future__ import annotations

from pathlib import Path

from pipeline.init.look.clips import read_clip
from pipeline.init.names.groups import Group
from pipeline.init.streams.array import describe_arrays
from pipeline.init.streams.clock import nominal
from pipeline.init.streams.found import NOMINAL, StreamFound, some_of, tidy
from pipeline.init.streams.skeleton import skeleton_keys
from pipeline.init.streams.table import describe_table
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Stream


def describe(root: Path, group: Group) -> list[StreamFound]:
    """Look at a few of a group's files and describe the streams that they are.

    Raises
    ------
    BrokenFileError
        None of them is understood; says why.
    OSError
        The system does not let one be read.
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
    clips, problem = [], None
    for path in some_of(root, group):
        try:
            clips.append(read_clip(path))
        except BrokenFileError as error:
            problem = error
    if not clips:
        raise problem or BrokenFileError("has no frames")
    clip = clips[len(clips) // 2]
    found.keys["rate"] = tidy(nominal(clip.rate or NOMINAL["video"]))
    found.seconds = sorted(each.seconds for each in clips)[len(clips) // 2]
    found.facts = f"{clip.width} x {clip.height}"
    if clip.depth and not words:
        found.name = "depth"
    return found


def _json(root: Path, group: Group) -> StreamFound:
    from pipeline.sources.folder.reading.exports import skeleton_json

    stream, problem = Stream(kind="skeleton", rate=NOMINAL["skeleton"]), None
    for path in some_of(root, group, 3):
        try:
            samples = skeleton_json.read([path], stream)
            break
        except BrokenFileError as error:
            problem = error
    else:
        raise problem or BrokenFileError("has no skeleton")
    values = samples.values.reshape(len(samples.values), *samples.shape)
    found = StreamFound(group, group.words[-1] if group.words else "skeleton", {"kind": "skeleton"})
    found.keys["rate"] = tidy(NOMINAL["skeleton"])
    found.comments["rate"] = "assumed; it changes nothing while `align` is `resample`"
    keys, comments, questions = skeleton_keys(values)
    found.keys.update(keys)
    found.comments.update(comments)
    found.questions += questions
    if samples.notes.flat:
        found.comments[""] = "joints in the picture alone, without depth: z is 0"
    if len(values) > 1:
        found.seconds = len(values) / found.rate
    found.facts = f"{samples.shape[0]} joints, {keys.get('joints', 'layout unknown')}"
    found.keys["missing"] = "interpolate"
    found.comments["missing"] = "joints that were not seen, frames without a body"
    return found
