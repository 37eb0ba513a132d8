"""An exported model under Node.js, by onnxruntime-web."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.edge.runtime.batch import Prepared

NODE = Path(__file__).parents[3] / "node"


def web_probabilities(model: Path, recordings: Iterable[Prepared]) -> Any:
    """Return (N, K) probabilities of recordings, one by one; skips where there is no Node.js."""
    if not shutil.which("node") or not (NODE / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("needs Node.js, and npm install in tests/node")
    lines = [
        json.dumps(
            {
                name: {"shape": values.shape, "values": values.ravel().tolist(), "times": times.tolist()}
                for name, (values, times) in each.items()
            }
        )
        for each in recordings
    ]
    done = subprocess.run(
        ["node", "onnx_web.mjs", str(model)],
        cwd=NODE,
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return np.array([json.loads(line) for line in done.stdout.splitlines()])
