"""Measuring a file takes NumPy and ONNX Runtime, in a process of its own that loads nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.edge.runtime.batch import padded
from pipeline.edge.runtime.measure import CALLS, measure_apart, pack, unpack
from pipeline.errors import StepError

from ...exported import BODY, WRIST, Bare, MakeModel


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Return a file of three recordings of the wrist, each of another length."""
    still = [padded([{"wrist": (np.ones((length, 3)), np.arange(length) / 50)}]) for length in (40, 90, 60)]
    file = tmp_path / "recordings.npz"
    np.savez(file, **pack(still))  # type: ignore[arg-type]
    return file


def test_recordings_are_laid_out_and_found_again(recordings: Path) -> None:
    with np.load(recordings) as file:
        found = unpack(file)
    assert [each["wrist"].shape for each in found] == [(1, 40, 3), (1, 90, 3), (1, 60, 3)]
    assert found[1]["wrist_time"][0, -1] == 89 / 50


def test_the_process_loads_nothing_but_what_runs_a_model(
    without_torch: Bare, make_model: MakeModel, recordings: Path
) -> None:
    """By what that process itself says of its modules, where all of them are installed, too."""
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['measure', {str(make_model(WRIST))!r}, {str(recordings)!r}]\n"
        "runpy.run_module('pipeline.edge.runtime.measure', run_name='__main__')\n"
        "heavy = {'torch', 'scipy', 'zarr', 'onnx', 'msgspec', 'xarray', 'yaml', 'click', 'numpy', 'onnxruntime'}\n"
        "print(sorted(heavy & {*sys.modules}))\n"
    )
    import subprocess
    import sys

    here = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    for said in (without_torch.run(program).stdout, here):
        figures, modules = said.splitlines()
        assert modules == "['numpy', 'onnxruntime']"
        found = json.loads(figures)
        assert (found["calls"], found["recordings"]) == (CALLS, 3)
        assert 0 < found["p50_ms"] <= found["p99_ms"]
        assert 0 <= found["waited"] < 1
        assert found["peak_bytes"] > 0


def test_without_recordings_they_are_made_up_by_the_card(without_torch: Bare, make_model: MakeModel) -> None:
    file = make_model(WRIST, BODY)
    found = json.loads(
        without_torch.run(f"""
import runpy, sys
sys.argv = ["measure", {str(file)!r}]
runpy.run_module("pipeline.edge.runtime.measure", run_name="__main__")
""").stdout
    )
    assert (found["calls"], found["recordings"]) == (CALLS, 1)


def test_a_file_that_cannot_be_measured_is_named(tmp_path: Path, recordings: Path) -> None:
    file = tmp_path / "wrist.onnx"
    file.write_bytes(b"no model")
    with pytest.raises(StepError, match=r"^wrist\.onnx: cannot be measured: "):
        measure_apart(file, recordings)
