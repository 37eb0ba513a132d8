"""One person's joints over the frames of an export, in which others may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.reading.exports.bodies import Body
from pipeline.sources.folder.reading.notes import Notes
from pipeline.sources.folder.reading.samples import Samples, Stamps
from pipeline.sources.skeletons import chosen_joints


def samples_of(
    found: Sequence[Sequence[Body]], places: Sequence[str], stream: Stream, format: str, stamps: Stamps | None = None
) -> Samples:
    """Take the body whose number is in most frames, without numbers the first of each; others are counted in the notes.

    A frame without it, and a joint that was not seen, is missing.

    Parameters
    ----------
    found
        The bodies of each frame.
    places
        Says in words where each frame stands.

    Raises
    ------
    BrokenFileError
        No body at all, frames with different numbers of joints, or no joint of those that `columns` names.
    """
    ids = Counter(body.id for bodies in found for body in bodies if body.id is not None)
    most = ids.most_common(1)[0][0] if ids else None
    bodies = [next((body for body in each if body.id == most), None) for each in found]
    first = next((body for body in bodies if body is not None), None)
    if first is None:
        raise BrokenFileError("has no body in any frame")
    count = len(first.joints)
    values = np.full((len(found), count, 3), np.nan)
    for at, body in enumerate(bodies):
        if body is not None and len(body.joints) != count:
            raise BrokenFileError(f"{places[at]} has {len(body.joints)} joints, the frames before it have {count}")
        if body is not None:
            values[at] = body.joints
    chosen = chosen_joints(stream.joints, count, stream.columns or range(1, count + 1))
    return Samples(
        values[:, chosen].reshape(len(found), -1),
        tuple(f"joint {joint + 1}, {axis}" for joint in chosen for axis in "xyz"),
        stamps=stamps,
        shape=(len(chosen), 3),
        where=lambda row: places[row],
        notes=Notes(
            layout=f"{format}, {count} joints",
            others=sum(len(each) for each in found) - sum(body is not None for body in bodies),
            flat=all(body.flat for body in bodies if body is not None),
        ),
    )
