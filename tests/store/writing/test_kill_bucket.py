"""SIGKILL at any moment, with a bucket at one end: nothing wrong is published, and the next run goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import Store
from store.features import open_features
from store.transfer import copy_output

WRITER = Path(__file__).with_name("killed_writer.py")
REPOSITORY = str(Path(__file__).parents[3])

COPIER = """
import sys
from store import Store
from store.transfer import copy_output
source, target = (Store.open(each) for each in sys.argv[1:])
print("ready", flush=True)
copy_output(source, target, "encode", "k")
"""


def start(arguments: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": REPOSITORY}
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def finish(arguments: list[str]) -> None:
    process = start(arguments)
    assert process.wait(60) == 0
    assert process.stdout
    process.stdout.close()


def kill(arguments: list[str], after: float) -> None:
    process = start(arguments)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout
    process.stdout.close()


def test_a_draft_in_a_bucket_goes_on(s3: Any, tmp_path: Path) -> None:
    url = s3.url(os.urandom(8).hex())
    moments, done = random.Random(3), [0]
    while len(done) < 5 and not Store.open(url).has("encode", "killed"):
        kill([str(WRITER), url, "0.02"], moments.uniform(0.1, 0.8))
        done.append(Store.open(url).progress("encode", "killed"))
        assert done[-1] >= done[-2]
    assert max(done) >= 1
    finish([str(WRITER), url, "0"])
    finish([str(WRITER), str(tmp_path / "unbroken"), "0"])
    resumed, whole = (Store.open(place).output("encode", "killed") for place in (url, str(tmp_path / "unbroken")))
    assert resumed.manifest.objects == whole.manifest.objects
    for name in ("features", "valid"):
        np.testing.assert_array_equal(open_features(resumed).read(name), open_features(whole).read(name))


@pytest.mark.parametrize("way", ["push", "pull"])
def test_a_killed_transfer_goes_on(s3: Any, tmp_path: Path, way: str) -> None:
    home, bucket = Store.open(str(tmp_path / "home")), Store.open(s3.url(os.urandom(8).hex()))
    with home.draft("encode", "k", recipe={"raw": "r"}, inputs=[]) as draft:
        draft.write("large", os.urandom((16 << 20) + 1))
        for number in range(30):
            draft.write(f"shard/{number}", os.urandom(200_000))
        draft.publish({})
    source, target = home, bucket
    if way == "pull":
        copy_output(home, bucket, "encode", "k")
        source, target = bucket, Store.open(str(tmp_path / "target"))
    moments = random.Random(5)
    for _ in range(5):
        kill(["-c", COPIER, source.url, target.url], moments.uniform(0, 0.4))
        if target.has("encode", "k"):
            target.output("encode", "k").verify()
            break
    copied = copy_output(source, target, "encode", "k")
    target.output("encode", "k").verify()
    manifest = "outputs/encode/k/manifest.json"
    assert target._root.read(manifest) == source._root.read(manifest)
    assert copied.objects == 31
    listed = {entry.path for entry in target.output("encode", "k").manifest.objects}
    prefix = f"outputs/encode/k/{target.output('encode', 'k').manifest.attempt}/"
    here = {path.removeprefix(prefix) for path in target._root.list_paths(prefix.rstrip("/"))}
    assert here >= listed
