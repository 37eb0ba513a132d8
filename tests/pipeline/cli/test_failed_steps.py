"""Steps that cannot be completed: exit code 1, the message says why, and what was finished stays."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

Said = Callable[..., Any]
TINY = "backbone: squeezenet1_1, image_size: 32, patches: 2, window: 1"


def states(said_here: Said, stages_file: Path, *options: str) -> dict[str, str]:
    """Every step's state, by id."""
    listed = json.loads(said_here("status", "-f", str(stages_file), "--json", *options).out)["steps"]
    return {step["id"]: step["state"] for step in listed}


@pytest.fixture(scope="module")
def bad_weights(finished_folder: Path, tmp_path_factory: pytest.TempPathFactory, said: Said) -> Any:
    """Five bad entries and a good one beside them, in one run."""
    folder = tmp_path_factory.mktemp("weights")
    save_file({"conv1.weight": np.zeros((64, 3, 7, 7), np.float32)}, folder / "other.safetensors")
    (folder / "page.pth").write_text("<html>404 not found</html>")
    entries = {
        "named": f"{TINY}, weights: IMAGENET1K_V1",
        "other": f"{TINY}, weights: other.safetensors",
        "page": f"{TINY}, weights: page.pth",
        "misnamed": f"{TINY}, weights: IMAGENET22K",
        "unknown": f"{TINY.replace('squeezenet1_1', 'squeezenet3')}, weights: none",
        "good": f"{TINY}, weights: none",
    }
    lines = "\n".join(f"  {name}: {{stage: encode, depth: {{{body}}}}}" for name, body in entries.items())
    (folder / "stages.yaml").write_text(
        f"store: {finished_folder}/.store\nsource: {{name: utd-mhad, root: {finished_folder}/data}}\n"
        f"modalities: [depth, skeleton, inertial]\nprotocol: loso\nstages:\n{lines}\n"
    )
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "HTTP", "HTTPS")}
    home = folder / "torch"
    return said("run", "-f", str(folder / "stages.yaml"), TORCH_HOME=str(home), **nowhere)


class TestWeights:
    def test_by_name_without_a_network(self, bad_weights: Any) -> None:
        bad_weights.refuses(
            1, "error: named[depth]: weights: squeezenet1_1 IMAGENET1K_V1 is not in ", "squeezenet1_1-b8a52dc0.pth",
            "cannot be downloaded from https://", "Download it elsewhere and put it there, or set weights: to a local",
        )  # fmt: skip

    def test_of_another_network(self, bad_weights: Any) -> None:
        bad_weights.refuses(
            1, "error: other[depth]: weights: ", "other.safetensors is a wrong weights file for squeezenet1_1",
            "lacks features.0.weight", "has unknown conv1.weight", "name the backbone that it belongs to",
        )  # fmt: skip

    def test_that_are_no_weights(self, bad_weights: Any) -> None:
        bad_weights.refuses(1, "error: page[depth]: weights: ", "page.pth holds no weights", "fetch it again")

    def test_by_a_name_that_torchvision_lacks(self, bad_weights: Any) -> None:
        bad_weights.refuses(
            1, "error: misnamed[depth]: weights: torchvision has no weights 'IMAGENET22K' for squeezenet1_1",
            "only IMAGENET1K_V1",
        )  # fmt: skip

    def test_of_a_backbone_that_torchvision_lacks(self, bad_weights: Any) -> None:
        bad_weights.refuses(
            1, "error: unknown[depth]: backbone: torchvision has no", "'squeezenet3'", "did you mean squeezenet"
        )

    def test_others_are_not_affected(self, bad_weights: Any) -> None:
        assert "good" not in bad_weights.err
        assert "5 steps failed or left out" in bad_weights.out


def test_cuda_without_a_gpu(experiment: Path, said: Said, said_here: Said) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    before = states(said_here, experiment / "stages.yaml")
    changed = ["--set", "stages.model.fit.epochs=2"]
    ran = said("run", "-f", str(experiment / "stages.yaml"), "--device", "cuda", *changed)
    ran.refuses(2, "error: --device cuda: torch sees no CUDA device here", "give --device cpu")
    assert states(said_here, experiment / "stages.yaml") == before


class TestBytesThatChangedOnDisk:
    def damage(self, experiment: Path, stage: str, pattern: str) -> Path:
        (path,) = sorted(each for each in (experiment / ".store" / "outputs" / stage).glob(pattern) if each.is_file())[
            :1
        ]
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(content)
        return path

    def test_of_features_when_they_are_trained_on(self, experiment: Path, said: Said) -> None:
        path = self.damage(experiment, "encode", "*/*/features/c/**/*")
        changed = ["--set", "stages.model.fit.epochs=2"]
        ran = said("run", "-f", str(experiment / "stages.yaml"), *changed)
        assert ran.code == 0
        for part in (f"/{path.name} changed after", "SHA-256", "found", "moved to"):
            assert part in ran.err
        (damaged,) = re.findall(r"found (encode\[\w+\]) damaged", ran.err)
        assert f"{damaged}: done in" in ran.err
        assert not path.exists()
        assert len(list((experiment / ".store" / "quarantine" / "encode").iterdir())) == 1

    def test_of_figures_when_they_are_shown(self, experiment: Path, said_here: Said) -> None:
        path = self.damage(experiment, "evaluate", "*/*/metrics.json")
        said_here("results", "-f", str(experiment / "stages.yaml")).refuses(
            1, path.name, "SHA-256", "found", "Run again"
        )

    def test_of_a_lock(self, experiment: Path, said_here: Said) -> None:
        (experiment / "stages.lock").write_text("<<<<<<< HEAD")
        said_here("status", "-f", str(experiment / "stages.yaml")).refuses(
            2, f"{experiment}/stages.lock: not a lock file", "restore it from version control"
        )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 128 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
    if done is None or done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip() if done else 'needs root'}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(experiment: Path, small_disk: Path, said: Said, said_here: Said) -> None:
    done, place = experiment / ".store", small_disk / "store"
    shutil.copytree(done / "outputs" / "index", place / "outputs" / "index")
    shutil.copy(done / "store.json", place)
    options = ["--set", f"store={place}", "--jobs", "1"]
    said("run", "-f", str(experiment / "stages.yaml"), "--until", "encode", *options).refuses(
        1, f"cannot write {place}/", "No space left on device", "Free some space", "finished shards and checkpoints",
    )  # fmt: skip
    after = states(said_here, experiment / "stages.yaml", *options[:2])
    assert (after["index"], after["encode[depth]"]) == ("cached", "cached")
    assert after["encode[skeleton]"] != "cached"
