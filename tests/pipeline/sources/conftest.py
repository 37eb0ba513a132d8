"""Files that the tests write in UTD-MHAD's layout."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat


@pytest.fixture
def write_video() -> Callable[..., Path]:
    """A function that writes an .avi of `frames` small pictures whose brightness grows with time."""
    import av

    def write(path: Path, frames: int, *, width: int = 64, height: int = 48, codec: str = "mpeg4") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=Fraction(30))
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            container.start_encoding()  # a header even where no frame follows
            picture = np.zeros((height, width, 3), np.uint8)
            for t in range(frames):
                picture[:] = (t * 4) % 250
                picture[:, : width // 2, 0] = 250
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        return path

    return write


Arrays = dict[str, np.ndarray[Any, Any]]


@pytest.fixture
def arrays() -> Arrays:
    """One good recording's arrays, by stream."""
    rng = np.random.default_rng(0)
    return {
        "depth": rng.integers(0, 3000, (240, 320, 4), dtype=np.uint16),
        "skeleton": rng.normal(size=(20, 3, 50)),
        "inertial": rng.normal(size=(120, 6)),
    }


@pytest.fixture
def dataset(tmp_path: Path, arrays: Arrays, write_video: Callable[..., Path]) -> Path:
    """A folder with one whole recording, a1_s1_t1, in UTD-MHAD's layout."""
    root = tmp_path / "utd-mhad"
    keys = {"depth": "d_depth", "skeleton": "d_skel", "inertial": "d_iner"}
    for stream, values in arrays.items():
        folder = root / stream.capitalize()
        folder.mkdir(parents=True)
        savemat(folder / f"a1_s1_t1_{stream}.mat", {keys[stream]: values}, do_compression=True)
    write_video(root / "RGB" / "a1_s1_t1_color.avi", 20)
    return root
