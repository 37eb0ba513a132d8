"""NTU RGB+D: a text a sample, named by setup, camera, performer, replication and action; several bodies a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.reading.exports import ntu

STREAM = Stream(kind="skeleton", rate=30, joints="kinect25", missing="interpolate")


def skeleton(frames: Sequence[dict[int, np.ndarray[Any, Any]]]) -> str:
    """The text of frames: bodies by their number, each (25, 3) in metres."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for number, joints in bodies.items():
            lines += [f"{number} 0 1 1 1 1 0 0.02764709 0.05745083 2", "25"]
            lines += [f"{x:.7f} {y:.7f} {z:.7f} 277.4 191.8 1036.1 519.1 -0.2 0.05 0.9 -0.03 2" for x, y, z in joints]
    return "\n".join(lines) + "\n"


def body(at: int) -> np.ndarray[Any, Any]:
    return np.arange(75).reshape(25, 3) / 100 + at / 1000


def test_samples_and_their_joints(recipe: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "nturgb+d_skeletons"
    folder.mkdir()
    frames = [{72057594037931101: body(at)} for at in range(12)]
    frames[7][72057594037931999] = body(900)  # somebody else, or a chair
    frames[9] = {}
    for subject in range(1, 41):
        for view in (1, 2):
            for action in (1, 60):
                name = f"S001C{view:03d}P{subject:03d}R002A{action:03d}.skeleton"
                (folder / name).write_text(skeleton(frames))
    (folder / "S001C001P001R002A061.skeleton").write_text(skeleton(frames))
    found = recipe("ntu-rgbd")
    assert [each.path for each in found.listing.unparsed] == ["nturgb+d_skeletons/S001C001P001R002A061.skeleton"]
    assert len(found.listing.recordings) == 160
    first = next(each for each in found.listing.recordings if (each.subject, each.view) == ("40", "2"))
    assert (first.action, first.session, dict(first.columns)) == ("drink_water", "2", {"setup": "1"})
    series = found.source.open_series(first, "skeleton")
    assert series.values.shape == (12, 25, 3)
    wanted = np.stack([body(at) for at in range(12)])  # the frame without a body lies between its neighbours
    assert series.values == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "is cut off in frame"),
        (lambda text: text.replace("25\n", "2x5\n", 1), "'2x5' where the count of frame 1, joints belongs"),
        (lambda text: text + "1\n", "goes on after the 3 frames"),
        (lambda text: text.replace("0.0000000 ", "north ", 1), "frame 1 has a joint that is no numbers"),
        (lambda text: "2\n0\n0\n", "no body in any frame"),
        (lambda text: "", "is empty"),
        (lambda text: "99999999999\n", "where the count of frames belongs"),
    ],
)
def test_damage(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    file = tmp_path / "one.skeleton"
    file.write_text(change(skeleton([{1: body(at)} for at in range(3)])))
    with pytest.raises(BrokenFileError, match=message):
        ntu.read([file], STREAM)


@settings(max_examples=30, deadline=None)
@given(present=st.lists(st.sets(st.integers(1, 3)), min_size=1, max_size=6).filter(any))
def test_the_body_of_most_frames_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, present: list[set[int]]
) -> None:
    bodies = {number: [body(100 * number + at) for at in range(len(present))] for number in (1, 2, 3)}
    file = tmp_path_factory.mktemp("ntu") / "one.skeleton"
    file.write_text(skeleton([{number: bodies[number][at] for number in each} for at, each in enumerate(present)]))
    samples = ntu.read([file], STREAM)
    read = samples.values.reshape(len(present), 25, 3)
    frames = {number: [at for at, each in enumerate(present) if number in each] for number in (1, 2, 3)}
    seen = [at for at in range(len(present)) if not np.isnan(read[at]).any()]
    assert len(seen) == max(map(len, frames.values()))
    assert any(
        seen == frames[number] and all(np.allclose(read[at], bodies[number][at]) for at in seen) for number in frames
    )
    assert samples.notes.others == sum(map(len, present)) - len(seen)
