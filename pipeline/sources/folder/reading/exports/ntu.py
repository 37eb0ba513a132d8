"""NTU RGB+D's ``.skeleton`` files: numbers as text, of Kinect 2's bodies in each frame (Shahroudy et al., CVPR 2016).

A count of frames; for each a count of bodies; for each body its number, nine states of hands and of tracking, a count
of joints; for each joint twelve numbers, the first three of which are x, y and z in metres.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.sources.broken_file import BrokenFileError, read_nonempty
from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.reading.exports.bodies import Body
from pipeline.sources.folder.reading.exports.one_body import samples_of
from pipeline.sources.folder.reading.samples import Samples

_STATES = 9  # numbers of a body between its own number and its count of joints
_JOINT = 12
_MOST = 1000  # frames, bodies or joints that are no damage


def read(paths: Sequence[Path], stream: Stream) -> Samples:
    """Read files in their order; see `samples_of` for which body is taken.

    Raises
    ------
    BrokenFileError
        Cut off, longer than it says, no numbers, or no body in any frame.
    OSError
        The system does not let it be read.
    """
    files = [list(_frames(path)) for path in paths]
    places = [
        f"frame {at + 1}" if len(paths) == 1 else f"file {number} of the stream, frame {at + 1}"
        for number, frames in enumerate(files, 1)
        for at in range(len(frames))
    ]
    return samples_of([bodies for frames in files for bodies in frames], places, stream, "NTU's text")


def _frames(path: Path) -> Iterator[list[Body]]:
    words = read_nonempty(path).split()
    frames, at = _count(words, 0, "frames", 100 * _MOST), 1
    for frame in range(frames):
        where = f"frame {frame + 1}"
        bodies, at = _count(words, at, f"{where}, bodies", _MOST), at + 1
        found = []
        for _ in range(bodies):
            number = words[at] if at < len(words) else b""
            count = _count(words, at + 1 + _STATES, f"{where}, joints", _MOST)
            begin = at + 2 + _STATES
            at = begin + count * _JOINT
            if at > len(words):
                raise BrokenFileError(f"is cut off in {where} of {frames}")
            joints = [_place(words[joint : joint + 3], where) for joint in range(begin, at, _JOINT)]
            found.append(Body(number.decode("ascii", "replace"), joints, flat=False))
        yield found
    if at != len(words):
        raise BrokenFileError(f"goes on after the {frames} frames that it says it has")


def _count(words: Sequence[bytes], at: int, what: str, most: int) -> int:
    if at >= len(words):
        raise BrokenFileError(f"is cut off before the count of {what}")
    if not words[at].isdigit() or int(words[at]) > most:
        raise BrokenFileError(f"has {words[at][:20].decode('ascii', 'replace')!r} where the count of {what} belongs")
    return int(words[at])


def _place(words: Sequence[bytes], where: str) -> tuple[float, float, float]:
    try:
        x, y, z = map(float, words)
    except ValueError:
        text = b" ".join(words).decode("ascii", "replace")
        raise BrokenFileError(f"{where} has a joint that is no numbers: {text!r}") from None
    return x, y, z
