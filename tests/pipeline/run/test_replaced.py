"""Files are replaced under a real run: it fails, says which file it was, and publishes nothing of it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from store.features import open_features


@pytest.fixture
def encoding(project: Any, many: Path, tmp_path: Path) -> Any:
    """An experiment on raw data of one's own with an encode step of some seconds, and its index."""
    shutil.copytree(many, tmp_path / "data")
    inertial = {"window": 40, "stride": 2, "patches": 400, "reduce": "flatten", "keep_series": True}
    project.write(
        {
            "source": {"name": "utd-mhad", "root": str(tmp_path / "data")},
            "modalities": ["inertial"],
            "protocol": "subject-50-50",
            "on_bad_recording": "skip",
            "stages": {"encode": {"inertial": inertial}},
        }
    )
    project.run(until="index")
    return project


def overwrite(path: Path, content: bytes) -> None:
    """Change a file in place, and put its times back as far as a user can."""
    state = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_a_recording_is_exchanged_while_encode_runs(
    encoding: Any, tmp_path: Path, until: Any, children: Callable[[int], list[int]]
) -> None:
    path = tmp_path / "data" / "Inertial" / "a26_s4_t4_inertial.mat"
    before, other = path.read_bytes(), path.with_name("a26_s3_t4_inertial.mat").read_bytes()
    key = encoding.plan().steps["encode[inertial]"].key
    journals = (encoding.store / "outputs" / "encode" / key).glob
    process = encoding.start("run", "--until", "encode")
    until(lambda: list(journals("*.journal/unit-*.json")))
    (worker,) = children(process.pid)
    os.kill(worker, signal.SIGSTOP)
    overwrite(path, other)
    os.kill(worker, signal.SIGCONT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, out + err
    assert f"error: encode[inertial]: {path}: changed while this ran: expected SHA-256 " in err
    assert "run again, to take it as it is now" in err
    assert not list(journals("manifest.json"))
    encoding.run(until="encode")  # takes it as it is, under another key
    plan = encoding.plan()
    assert plan.steps["encode[inertial]"].key != key
    output = plan.store.output("encode", plan.steps["encode[inertial]"].key)
    features, rows = open_features(output), [r.id for r in plan.table.listing.recordings]
    same = features.read("features", [rows.index("a26_s3_t4"), rows.index("a26_s4_t4")])
    np.testing.assert_array_equal(same[0], same[1])
    assert not list(journals("manifest.json"))
    overwrite(path, before)
    assert encoding.plan().states["encode[inertial]"] == "partial"  # what was done before the exchange is right


def weights_file(path: Path, seed: int) -> None:
    torch.manual_seed(seed)
    network = torchvision.models.get_model("squeezenet1_1", weights=None)
    save_file(network.state_dict(), path)


@pytest.mark.slow
def test_weights_are_exchanged_while_encode_begins(
    project: Any, tmp_path: Path, until: Any, children: Callable[[int], list[int]]
) -> None:
    weights, other = tmp_path / "net.safetensors", tmp_path / "other.safetensors"
    weights_file(weights, 1)
    weights_file(other, 2)
    project.write(
        {
            "source": {"name": "sample", "subjects": 2, "trials": 1},
            "modalities": ["depth"],
            "protocol": "subject-50-50",
            "stages": {
                "encode": {
                    "depth": {
                        "backbone": "squeezenet1_1",
                        "weights": str(weights),
                        "image_size": 32,
                        "patches": 2,
                    }
                }
            },
        }
    )
    project.run(until="index")
    key = project.plan().steps["encode[depth]"].key
    process = project.start("run", "--until", "encode")
    until(lambda: children(process.pid))  # keys are computed, and the worker still imports torch
    overwrite(weights, other.read_bytes())
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, out + err
    assert f"error: encode[depth]: {weights}: changed while this ran: expected SHA-256 " in err
    found = project.store / "outputs" / "encode" / key
    assert not [*found.glob("manifest.json"), *found.glob("*.journal/unit-*.json")]
    project.run(until="encode")
    assert project.plan().steps["encode[depth]"].key != key


def test_weights_of_a_student_are_checked_when_they_are_loaded(tmp_path: Path) -> None:
    """A .safetensors file is mapped: what is trained must not change with it afterwards."""
    from pipeline.errors import StepError
    from pipeline.keys.file_hash import hash_file
    from pipeline.run.step.execute import _resolve
    from pipeline.run.step.source import CheckedFile

    path = tmp_path / "net.safetensors"
    weights_file(path, 1)
    content = path.read_bytes()
    section = {"name": "torchvision", "model": "squeezenet1_1", "weights": str(path)}
    code = {"pipeline.stages.encode.video.weights", "pipeline.stages.train.params"}
    read_state, wanted = _resolve(code, CheckedFile(path, hash_file(path)), "pretrained", section)
    state, _ = read_state(wanted.model, wanted.weights, path)
    before = {name: tensor.clone() for name, tensor in state.items()}
    overwrite(path, content[:-4000] + bytes(4000))
    for name, tensor in state.items():
        assert torch.equal(tensor, before[name]), name
    with pytest.raises(StepError, match=f"{path}: changed while this ran"):
        read_state(wanted.model, wanted.weights, path)
