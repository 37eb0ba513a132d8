"""A scheduler's workers compare what they read with the key, too."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
def test_a_recording_is_exchanged_while_workers_encode(
    encoding: Any, wide: Path, cluster: Any, slowly: tuple[str, ...], log: Path, tmp_path: Path, until: Any
) -> None:
    root = tmp_path / "data"
    shutil.copytree(wide, root)
    encoding.write({**encoding_values(encoding), "source": {"name": "utd-mhad", "root": str(root)}})
    encoding.file.with_suffix(".lock").unlink()
    encoding.run(until="index")
    path = root / "Inertial" / "a27_s8_t4_inertial.mat"
    state, before = path.stat(), path.read_bytes()
    key = encoding.plan().steps["encode[inertial]"].key
    cluster.add(2, options=slowly)
    process = encoding.start("run", "--until", "encode", "--scheduler", cluster.address)
    until(lambda: list(log.iterdir()))
    path.write_bytes(path.with_name("a27_s7_t4_inertial.mat").read_bytes())
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, out + err
    assert f"error: encode[inertial]: on {os.uname().nodename}: {path}: changed while this ran: expected" in err
    assert not (encoding.store / "outputs" / "encode" / key / "manifest.json").exists()
    path.write_bytes(before)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    encoding.command("run", "--until", "encode", "--scheduler", cluster.address)
    assert (encoding.store / "outputs" / "encode" / key / "manifest.json").exists()


def encoding_values(project: Any) -> dict[str, Any]:
    import yaml

    values: dict[str, Any] = yaml.safe_load(project.file.read_text())
    return values
