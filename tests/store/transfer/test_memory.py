"""A transfer holds a bounded number of bytes, whatever the size of the output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.transfer.sending import IN_FLIGHT

OBJECT = 32 << 20
OBJECTS = 24  # three times the bound
REST = 150 << 20  # the interpreter, obstore, and buffers of the connections

COPIER = """
import re, sys
from store import Store
from store.transfer import copy_output
copy_output(Store.open(sys.argv[1]), Store.open(sys.argv[2]), "encode", "k")
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) << 10)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc; ru_maxrss would tell of the parent, too"
)
@pytest.mark.parametrize("count", [1, OBJECTS])
def test_memory_is_bounded(s3: Any, tmp_path: Path, count: int) -> None:
    home = Store.open(str(tmp_path / "home"))
    with home.draft("encode", "k", recipe={}, inputs=[]) as draft:
        for number in range(count):
            draft.write(f"shard/{number}", os.urandom(OBJECTS * OBJECT // count))
        draft.publish({})
    bucket, back = s3.url(os.urandom(8).hex()), str(tmp_path / "back")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for source, target in ((home.url, bucket), (bucket, back)):
        command = [sys.executable, "-c", COPIER, source, target]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        assert int(done.stdout) < IN_FLIGHT + REST
