"""A full disk is told as such, and loses nothing that was finished."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from store import Store
from store.errors import StoreFull
from store.features import FeatureArray, FeatureLayout, create, open_features, pending, write_shard
from store.writing.draft import Draft

LAYOUT = FeatureLayout(  # a shard of 1 MiB
    40, (FeatureArray("features", (1 << 16,), "float32", ("feature",)),), 4
)


def values(shard: int) -> dict[str, np.ndarray]:
    return {"features": np.random.default_rng(shard).normal(size=(4, 1 << 16)).astype("float32")}


def write_all(draft: Draft) -> None:
    for shard in pending(draft, LAYOUT):
        write_shard(draft, LAYOUT, shard, values(shard))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
    if done is None or done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip() if done else 'needs root'}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_finished_shards_survive_a_full_disk(small_disk: Path) -> None:
    store = Store.open(str(small_disk / "store"))
    with store.draft("encode", "k1", recipe={}, inputs=[]) as draft:
        create(draft, LAYOUT, {})
        with pytest.raises(StoreFull, match=r"No space left on device\. Free some space .* run again"):
            write_all(draft)
    done = store.progress("encode", "k1")
    assert 3 <= done <= 6
    subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
    with store.draft("encode", "k1", recipe={}, inputs=[]) as draft:
        create(draft, LAYOUT, {})
        assert pending(draft, LAYOUT) == list(range(done, LAYOUT.shards))
        write_all(draft)
        features = open_features(draft.publish({}))
    expected = np.concatenate([values(shard)["features"] for shard in range(LAYOUT.shards)])
    np.testing.assert_array_equal(features.read("features"), expected)


def test_a_limit_on_file_size_is_told_alike(folder: Path) -> None:
    program = (
        "import resource, sys; from store import Store; from store.errors import StoreError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "with Store.open(sys.argv[1]).draft('train', 'k', recipe={}, inputs=[]) as draft:\n"
        "    draft.write('small', b'x'); draft.journal('0', ['small'])\n"
        "    try: draft.write('large', bytes(8192))\n"
        "    except StoreError as error: print(type(error).__name__, error)\n"
        "    assert list(draft.paths()) == ['small']\n"
    )
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("StoreFull cannot write ")
    assert "File too large" in done.stdout
    assert Store.open(str(folder)).progress("train", "k") == 1
