"""Make the sample's files: subjects, trials, and one recording's four streams from one motion."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from pipeline.sources.sample.body import Build, Floats, build, pose
from pipeline.sources.sample.motions import ACTIONS, Manner, motion
from pipeline.sources.sample.render import Look, colour, draw, kinect, look
from pipeline.sources.sample.sensors import Unit, inertial, skeleton, unit

_KEYS = {"depth": "d_depth", "skeleton": "d_skel", "inertial": "d_iner"}
FINE = 150.0  # Hz, at which motions are computed: a multiple of the streams' 30 and 50


@dataclass(frozen=True)
class Subject:
    """A person, their habits, and what they wear."""

    body: Build
    sensor: Unit
    look: Look
    tempo: float
    size: float
    height: float
    depth: float
    tilt: float
    start: float
    repeats: float
    asymmetry: float
    fidget: float
    yaw: float
    place: Floats


def subject(seed: int, number: int) -> Subject:
    """Draw a subject; the same for a seed and number whatever else is generated."""
    rng = np.random.default_rng([seed, number])
    return Subject(
        body=build(rng), sensor=unit(rng), look=look(rng),
        tempo=float(np.exp(rng.normal(0, 0.14))), size=float(np.exp(rng.normal(-0.02, 0.17))),
        height=float(rng.normal(0, 0.1)), depth=float(rng.normal(-0.02, 0.09)),
        tilt=float(rng.normal(0, 0.22)),
        start=float(rng.normal(np.pi / 2, 0.8)), repeats=float(rng.uniform(1.8, 3.4)),
        asymmetry=float(rng.beta(1, 3)), fidget=float(rng.uniform(0.03, 0.07)),
        yaw=float(rng.normal(0, 0.14)),
        place=np.array([rng.normal(0, 0.12), -1.0 + rng.normal(0, 0.04), rng.uniform(2.6, 3.1)]),
    )  # fmt: skip


def manner(person: Subject, action: str, rng: np.random.Generator) -> Manner:
    """Draw how a trial is done, around the person's habits."""
    seconds = ACTIONS[action].seconds * person.tempo * float(np.exp(rng.normal(0, 0.1)))
    return Manner(
        seconds=float(np.clip(seconds, 1.6, 3.9)), lead=float(rng.uniform(0.05, 0.17)),
        tail=float(rng.uniform(0.03, 0.15)), size=person.size * float(np.exp(rng.normal(0, 0.15))),
        height=person.height + float(rng.normal(0, 0.06)), depth=person.depth + float(rng.normal(0, 0.04)),
        tilt=person.tilt + float(rng.normal(0, 0.15)), start=person.start + float(rng.normal(0, 0.45)),
        repeats=max(1, round(person.repeats + rng.normal(0, 0.6))), asymmetry=person.asymmetry,
        fidget=person.fidget * float(np.exp(rng.normal(0, 0.3))), curl=float(rng.normal(0, 0.08)),
        skew=float(rng.normal(0, 0.2)),
    )  # fmt: skip


def performed(seed: int, number: int, label: int, trial: int, mislabelled: float) -> str:
    """Return the action that a recording shows: its label's, or with the probability `mislabelled` any other's."""
    rng = np.random.default_rng([seed, number, label, trial, 1])  # one of its own: motions stay what they were
    names = list(ACTIONS)
    others = rng.integers(1, len(names))
    return names[(label - 1 + others * (rng.random() < mislabelled)) % len(names)]


def streams(
    seed: int, number: int, label: int, action: str, trial: int, wanted: Collection[str]
) -> dict[str, NDArray[Any]]:
    """Compute the `wanted` streams of one recording: of subject `number` and label `label`, which count from 1.

    A stream is the same whatever else is wanted.

    Returns
    -------
    dict
        ``skeleton`` (T, 20, 3) m, ``inertial`` (N, 6) g and deg/s, ``depth`` (T, 240, 320) uint16 mm, ``rgb``
        (about T - 15, 120, 160, 3) uint8.
    """
    person = subject(seed, number)
    rng = np.random.default_rng([seed, number, label, trial])
    moves = motion(action, manner(person, action, rng), FINE, rng)
    place = person.place + rng.normal(0, [0.05, 0.0, 0.05])
    seen = pose(person.body, moves, place, person.yaw + float(rng.normal(0, 0.08)))
    fine = len(seen.joints)

    def sampled(count: int) -> NDArray[np.int64]:
        return np.linspace(0, fine - 1, count).round().astype(np.int64)

    frames = round(fine * 30 / FINE)
    readings = round(fine * 50 / FINE * rng.normal(1.0, 0.03))  # its clock is its own
    pictures = max(24, frames - max(0, round(rng.normal(15, 4))))
    body = seen.joints[sampled(frames)]
    made: dict[str, NDArray[Any]] = {
        "skeleton": skeleton(body, rng),
        "inertial": inertial(seen, person.sensor, FINE, rng)[sampled(readings)],
    }
    if not {"depth", "rgb"}.isdisjoint(wanted):  # rgb's noise comes after depth's
        made["depth"] = kinect(draw(body, person.body.girth)[0], rng)
    if "rgb" in wanted:
        drawn, part = draw(seen.joints[sampled(pictures)] - np.array([0.025, 0.0, 0.0]), person.body.girth)
        made["rgb"] = colour(drawn, part, person.look, rng)
    return {stream: values for stream, values in made.items() if stream in wanted}


def write(root: Path, files: Mapping[str, str], made: Mapping[str, NDArray[Any]]) -> None:
    """Write one recording's streams in UTD-MHAD's formats, each to its path in `files` under `root`."""
    for stream, values in made.items():
        path = root / files[stream]
        if stream == "rgb":
            write_avi(path, values)
        else:  # a series as it is; else joint and axis, or row and column, before time
            write_mat(path, _KEYS[stream], values if stream == "inertial" else values.transpose(1, 2, 0))


def write_mat(path: Path, key: str, values: NDArray[Any]) -> None:
    """Write one array; equal arrays give equal bytes, for the header does not tell the time.

    Compressed here, for scipy takes no level and its choice would be half of the work of making the sample.
    """
    plain = io.BytesIO()
    savemat(cast(Any, plain), {key: values})
    head, element = plain.getvalue()[:128], plain.getvalue()[128:]
    packed = zlib.compress(element, 1)
    text = b"MATLAB 5.0 MAT-file, made by harvest's sample"
    path.write_bytes(text.ljust(116) + head[116:] + struct.pack("=II", 15, len(packed)) + packed)


def write_avi(path: Path, frames: NDArray[np.uint8]) -> None:
    """Write (T, H, W, 3) uint8 RGB as MPEG-4 in .avi at 30 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(30))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 600_000
        stream.thread_count = 1  # slices, and so bytes, depend on it
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
