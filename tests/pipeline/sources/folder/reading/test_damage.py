"""Whatever bytes a file has, reading it gives a series or frames, or says that it is broken."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy.io import savemat

from pipeline.errors import BadRecording
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.reading.frames.video import Owner, open_video
from pipeline.sources.folder.reading.read import read_series

from .frames.test_video import picture
from .reads import stream

TIMES = int(os.environ.get("DAMAGE_TIMES", "60"))
VALUES = np.arange(60.0).reshape(10, 6)


def _parquet(file: Any) -> None:
    pa.parquet.write_table(pa.table({f"c{at}": VALUES[:, at] for at in range(6)}), file)


def _excel(file: Any) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in VALUES.tolist():
        book.active.append(row)
    book.save(file)


def _hdf5(file: Any) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(file, "w") as root:
        root["a"] = VALUES


TEXT = "\r\n".join(["t,a,b", *(f"{at / 3!r},{at * 1.5},-{at}" for at in range(40))]).encode()
BODIES = {"frames": [{"bodies": [{"body_id": 1, "joint_positions": [[1.5, 2, 3], [4, 5, 6]]}]} for _ in range(5)]}
FILES: dict[str, tuple[Callable[[Any], object], dict[str, Any]]] = {
    "a.csv": (lambda file: file.write(TEXT), {"time": {"column": "t"}}),
    "a.txt": (lambda file: file.write(TEXT.replace(b",", b"  ")), {}),
    "a.csv.gz": (lambda file: file.write(gzip.compress(TEXT, mtime=0)), {"time": {"column": 1}}),
    "a.parquet": (_parquet, {}),
    "a.xlsx": (_excel, {}),
    "a.npy": (lambda file: np.save(file, VALUES), {}),
    "a.npz": (lambda file: np.savez_compressed(file, a=VALUES), {}),
    "a.mat": (lambda file: savemat(file, {"a": VALUES}, do_compression=True), {}),
    "a.h5": (_hdf5, {}),
    "a.json": (lambda file: file.write(json.dumps(BODIES).encode()), {"kind": "skeleton"}),
    "a.png": (lambda file: file.write(picture(VALUES.astype(np.uint16))), {"kind": "video"}),
    "b.png": (lambda file: file.write(picture(np.zeros((16, 16, 3), np.uint8))), {"kind": "video"}),
    "a.pgm": (lambda file: file.write(b"P5 2 2 255 abcd"), {"kind": "video"}),
}


@cache
def content(name: str) -> bytes:
    file = io.BytesIO()
    FILES[name][0](file)
    return file.getvalue()


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Cut, change, put in or take out some bytes."""
    found = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 8])):
        at = dice.randrange(len(found) + 1)
        way = dice.randrange(5)
        if way == 0:
            del found[at:]
        elif way == 1:
            del found[at : at + dice.randrange(1, 20)]
        elif way == 2:
            found[at:at] = dice.randbytes(dice.randrange(1, 5))
        elif at < len(found):
            found[at] = dice.randrange(256)
    return bytes(found)


def read(root: Path, name: str) -> None:
    said = stream(**FILES[name][1])
    if said.kind == "video":
        for frame in open_video(root, [name], said, Owner("r", "s")).frames():
            assert frame.dtype in (np.uint8, np.uint16)
        return
    found = read_series([root / name], said).series
    assert found.values.dtype == np.float64
    assert np.isfinite(found.values).all()
    assert found.times is None or (len(found.times) == len(found.values) and (np.diff(found.times) >= 0).all())


@pytest.mark.parametrize("name", FILES)
def test_damage_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content(name))
    read(tmp_path, name)
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(TIMES):
            (tmp_path / name).write_bytes(damaged(content(name), random.Random(seed)))
            try:
                read(tmp_path, name)
            except (BrokenFileError, BadRecording) as error:
                told.append(str(error))
    assert len(told) > TIMES / 10
    assert min(map(len, told)) > 10


READ_ALL = """
import sys
from pathlib import Path
import msgspec
from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.reading.read import read_series
for name in sys.argv[2:]:
    kind = "skeleton" if name.endswith("json") else "series"
    try:
        print(name, len(read_series([Path(sys.argv[1], name)], Stream(rate=1, kind=kind)).series.values))
    except OSError as error:
        print(name, "error", error.errno)
"""


def test_a_dying_disk_is_no_broken_file(tmp_path: Path, failing_io: Callable[..., dict[str, str]]) -> None:
    names = [name for name, (_, said) in FILES.items() if said.get("kind") != "video"]
    for name in names:
        (tmp_path / name).write_bytes(content(name))
    for variables, wanted in (({}, ""), (failing_io(errno.EIO, str(tmp_path)), f"error {errno.EIO}")):
        done = subprocess.run(
            [sys.executable, "-c", READ_ALL, tmp_path, *names],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[5],
            env={**os.environ, **variables},
        )
        found = dict(line.split(" ", 1) for line in done.stdout.splitlines())
        assert [*found] == names
        assert all(said == wanted if wanted else said.isdigit() for said in found.values()), found
