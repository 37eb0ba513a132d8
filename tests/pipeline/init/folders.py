"""Folders as people have them, small."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CLASSES = ("walk", "sit_down", "wave")


def wrist(samples: int, rate: float = 50.0, seed: int = 0, gravity: float = 1.0) -> Array:
    """Accelerations (T, 3) of something that moves a little: their usual length is gravity's."""
    rng = np.random.default_rng(seed)
    times = np.arange(samples) / rate
    wave = 0.2 * np.sin(2 * np.pi * 1.5 * times)[:, None]
    return gravity * (np.array([0.1, -0.2, 0.97]) + wave * rng.normal(size=3) + 0.02 * rng.normal(size=(samples, 3)))


def turning(samples: int, largest: float, seed: int = 0) -> Array:
    """Angular velocities (T, 3)."""
    rng = np.random.default_rng(seed)
    return largest / 2 * np.sin(np.linspace(0, 9, samples))[:, None] * rng.uniform(0.4, 1, 3)


def write_table(path: Path, columns: Sequence[Iterable[Any]], header: Sequence[str] = (), delimiter: str = ",") -> None:
    """Write columns as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [delimiter.join(header)] if header else []
    lines += [delimiter.join(map(_text, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join(lines) + "\n")


def _text(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def write_watch(path: Path, samples: int = 120, seed: int = 0, *, gap: float = 0.0) -> None:
    """A watch's accelerometer in m/s2, ms since 1970, in bursts of four samples with one stamp; a gap in the middle."""
    stamps = 1_700_000_000_000 + np.arange(samples) // 4 * 80
    stamps[samples // 2 :] += int(gap * 1000)
    write_table(path, [stamps, *wrist(samples, seed=seed, gravity=9.81).T], ("timestamp_ms", "acc_x", "acc_y", "acc_z"))


def write_video(path: Path, frames: int = 24, size: tuple[int, int] = (64, 48), seed: int = 0) -> None:
    """A short clip at 30 Hz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=30)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        picture = rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        for at in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, at, axis=1), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


_PLACES = {
    "head": (0, 1.7, 0), "nose": (0, 1.68, 0.1), "eye": (0.03, 1.72, 0.08), "ear": (0.08, 1.7, 0),
    "mouth": (0.02, 1.64, 0.09), "neck": (0, 1.5, 0), "shoulder_centre": (0, 1.45, 0), "spine_shoulder": (0, 1.43, 0),
    "spine_chest": (0, 1.3, 0), "spine": (0, 1.2, 0), "spine_mid": (0, 1.2, 0), "spine_navel": (0, 1.15, 0),
    "hip_centre": (0, 0.98, 0), "spine_base": (0, 0.98, 0), "mid_hip": (0, 0.98, 0), "pelvis": (0, 0.98, 0),
    "clavicle": (0.08, 1.43, 0), "shoulder": (0.2, 1.42, 0), "elbow": (0.3, 1.15, 0.02), "wrist": (0.34, 0.9, 0.1),
    "hand": (0.35, 0.82, 0.12), "handtip": (0.35, 0.76, 0.13), "hand_tip": (0.35, 0.76, 0.13),
    "thumb": (0.31, 0.82, 0.15), "pinky": (0.36, 0.78, 0.1), "index": (0.34, 0.77, 0.13), "hip": (0.11, 0.95, 0),
    "knee": (0.12, 0.52, 0.02), "ankle": (0.12, 0.1, 0), "foot": (0.12, 0.04, 0.12), "heel": (0.12, 0.05, -0.05),
    "big_toe": (0.11, 0.03, 0.18), "small_toe": (0.15, 0.03, 0.16), "foot_index": (0.12, 0.03, 0.18),
}  # fmt: skip


def body(layout: str, frames: int = 20, *, up: str = "y", metre: float = 1.0, seed: int = 0) -> Array:
    """A person (T, joints, 3) in a layout, who sways and waves the right arm."""
    from pipeline.sources.skeletons import layout as known

    rng = np.random.default_rng(seed)
    places = []
    for joint in known(layout).joints:
        side = -1.0 if "right" in joint else 1.0
        bare = (
            joint.replace("left_", "")
            .replace("right_", "")
            .replace("mouth_left", "mouth")
            .replace("mouth_right", "mouth")
        )
        bare = bare.replace("_inner", "").replace("_outer", "")
        x, y, z = _PLACES[bare]
        places.append((side * x, y, z))
    found = np.array(places)[None] + 0.03 * np.sin(np.linspace(0, 6, frames))[:, None, None] * np.array([1, 0, 0.5])
    found = metre * (found + 0.002 * rng.normal(size=found.shape))
    if up.endswith("z"):
        found = found[..., [0, 2, 1]]
    found[..., "xyz".index(up[-1])] *= -1 if up.startswith("-") else 1
    return found


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_phone_and_watch(root: Path) -> None:
    """Write 24 phone videos (3 classes, 4 subjects), and a watch's CSVs with bursts and gaps."""
    trials = [(subject, label, trial) for subject in range(1, 5) for label in CLASSES for trial in (1, 2)]
    for number, (subject, label, trial) in enumerate(trials):
        write_video(root / "videos" / f"s{subject:02d}_{label}_{trial}.mp4", 60, (160, 120), seed=number)
        write_watch(root / "watch" / f"subject{subject}" / f"{label}-{trial}.csv", 150, seed=number, gap=0.6)
