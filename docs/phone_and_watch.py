"""Makes up recordings as people have them: a phone's videos, and a watch's tables with bursts and gaps.

    python docs/phone_and_watch.py DIR

Four people walk, sit down and wave, twice each: 24 videos of a drawn figure, and 24 tables of accelerations in which
samples arrive four at a time with one stamp, and the connection breaks once. The same on every machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

CLASSES = ("walk", "sit_down", "wave")
SECONDS, GAP = 3.0, 0.6
FRAMES, SAMPLES = 30, 50  # a second
HEIGHT, WIDTH = 120, 160


def write_recordings(root: Path) -> None:
    """Write all recordings below a folder."""
    (root / "videos").mkdir(parents=True, exist_ok=True)
    for subject in range(1, 5):
        (root / "watch" / f"subject{subject}").mkdir(parents=True, exist_ok=True)
        for number, label in enumerate(CLASSES):
            for trial in (1, 2):
                rng = np.random.default_rng([subject, number, trial])
                write_video(root / "videos" / f"s{subject:02d}_{label}_{trial}.mp4", label, subject, rng)
                write_watch(root / "watch" / f"subject{subject}" / f"{label}-{trial}.csv", label, rng)


def write_video(path: Path, label: str, subject: int, rng: np.random.Generator) -> None:
    """Draw somebody in front of a wall."""
    wall = rng.integers(150, 200, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    start, tempo = rng.uniform(-8, 8), rng.uniform(0.9, 1.1)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=FRAMES)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(round(SECONDS * FRAMES)):
            picture = wall.copy()
            draw(picture, label, tempo * number / FRAMES, start, shirt=(40 * subject, 60, 220 - 40 * subject))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())


def draw(picture: NDArray[np.uint8], label: str, time: float, start: float, shirt: tuple[int, int, int]) -> None:
    """Draw head, trunk, arm and legs at a time in seconds."""
    down = 25 * min(1.0, max(0.0, time - 1)) if label == "sit_down" else 0
    x = 80 + start + (30 * (time - 1.5) if label == "walk" else 0)
    step = 8 * np.sin(2 * np.pi * 1.8 * time) if label == "walk" else 0
    swing = 12 * np.sin(2 * np.pi * 2.5 * time) if label == "wave" else step
    hand = (25 + down if label == "wave" else 80 + down, x + 18 + swing)
    bar(picture, (30 + down, x), (75 + down, x), 14, shirt)
    bar(picture, (40 + down, x + 6), hand, 6, (210, 160, 130))
    bar(picture, (22 + down, x), (26 + down, x), 12, (210, 160, 130))
    for side in (-1, 1):
        bar(picture, (75 + down, x + 4 * side), (112, x + 4 * side + side * step), 7, (40, 40, 60))


def bar(
    picture: NDArray[np.uint8],
    start: tuple[float, float],
    end: tuple[float, float],
    width: int,
    colour: tuple[int, ...],
) -> None:
    """Draw a thick line from one (row, column) to another."""
    for share in np.linspace(0, 1, 40):
        row, column = (round(a + share * (b - a)) for a, b in zip(start, end, strict=True))
        picture[max(0, row - width // 4) : row + width // 4 + 1, max(0, column - width // 2) : column + width // 2] = (
            colour
        )


def write_watch(path: Path, label: str, rng: np.random.Generator) -> None:
    """Write milliseconds since 1970 and an acceleration in m/s2."""
    times = np.arange(round(SECONDS * SAMPLES)) / SAMPLES
    tempo, noise = rng.uniform(0.9, 1.1), rng.normal(size=(len(times), 3)) * 0.15
    if label == "wave":
        rest, move = np.array([8.5, 2.0, -4.5]), 5 * np.sin(2 * np.pi * 2.5 * tempo * times)
    elif label == "walk":
        rest, move = np.array([0.5, -2.0, 9.6]), 2.5 * np.sin(2 * np.pi * 1.8 * tempo * times)
    else:
        rest, move = np.array([0.5, -2.0, 9.6]), 3 * np.exp(-(((times - 1.5 * tempo) / 0.25) ** 2))
    values = rest + rng.normal(size=3) * 0.3 + move[:, None] * rng.uniform(0.3, 1, 3) + noise
    stamps = 1_700_000_000_000 + np.arange(len(times)) // 4 * 4 * 1000 // SAMPLES
    stamps[len(times) // 2 :] += round(GAP * 1000)
    lines = [f"{stamp},{x:.6f},{y:.6f},{z:.6f}" for stamp, (x, y, z) in zip(stamps, values, strict=True)]
    path.write_text("\n".join(["timestamp_ms,acc_x,acc_y,acc_z", *lines]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_recordings(Path(sys.argv[1]))
