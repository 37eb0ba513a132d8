"""Packages against their ranges; torch's build, and what torch answers from a process of its own."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torchvision

from pipeline.doctor import gpus, program
from pipeline.doctor.weights import url_of


def test_this_program_has_what_it_declares() -> None:
    wanted = program.declared()
    assert wanted is not None
    assert "torch>=2.6" in wanted.packages
    assert wanted.python == ">=3.11"


def test_each_package_that_does_not_fit_is_named() -> None:
    packages = ("numpy>=99", "no-such-package>=1", "click>=1", "gone; python_version<'3'")
    wanted = program.Wanted("pyproject.toml", ">=9", packages)
    found = [*program.compare(wanted)]
    problems = [each.what for each in found if each.level == "problem"]
    assert problems[0].endswith("pyproject.toml wants >=9")
    assert problems[1:] == [
        f"numpy {metadata.version('numpy')} is installed; wanted >=99",
        "no-such-package is not installed; wanted >=1",
    ]
    assert found[-1].what == "1 package as pyproject.toml wants them"
    assert "python -m pip install 'numpy>=99'" in found[1].repair


def test_torchs_build_is_read_without_importing_it() -> None:
    import torch

    assert gpus.torch_build() == (str(torch.__version__), torch.version.cuda)


def test_a_machine_without_a_driver(tmp_path: Path) -> None:
    assert "no NVIDIA driver" in next(iter(gpus.find(tmp_path))).what


def python_that(tmp_path: Path, line: str) -> str:
    """An interpreter that does something else than importing torch."""
    file = tmp_path / "python"
    file.write_text(f"#!{sys.executable}\nimport os, sys, time\n{line}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize(
    ("line", "level", "part"),
    [
        ('print(\'{"gpus": [["H200", 150323855360]], "why": ""}\')', "ok", "sees 1 GPU"),
        ('print(\'{"gpus": [], "why": "driver too old"}\')', "problem", "driver too old"),
        ('sys.exit("ImportError: libcudart.so.13: cannot open")', "problem", "libcudart.so.13"),
        ("os.abort()", "problem", "cannot be imported"),
        ("time.sleep(60)", "note", "still being imported"),
    ],
    ids=["sees", "none", "broken", "crashes", "slow"],
)
def test_what_torch_answers(tmp_path: Path, line: str, level: str, part: str) -> None:
    found = [*gpus.seen("2.9", "13.0", gpus.ask(python_that(tmp_path, line), wait=1.0))]
    assert found[0].level == level
    assert part in found[0].what
    assert found[0].repair or level == "ok"


def test_weights_are_found_where_torchvision_says() -> None:
    for name in torchvision.models.list_models(module=torchvision.models):
        for weights in torchvision.models.get_model_weights(name):
            assert url_of(name, weights.name) == weights.url, name
    assert url_of("resnet50", "IMAGENET1K_V9") is None
    assert url_of("no_such_model", "IMAGENET1K_V1") is None


def test_weights_of_timm(project: Any, small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("timm", reason="timm is not installed")
    depth = {"backbone": "timm/resnet18", "weights": "a1_in1k"}
    project.write({**small, "modalities": ["depth"], "stages": {"encode": {"depth": depth}}})
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-of-mine"))
    assert "resnet18.a1_in1k will be downloaded to" in " ".join(project.command("doctor").stdout.split())
    folder = tmp_path / "hub-of-mine/hub/models--timm--resnet18.a1_in1k"
    for file, text in (("refs/main", "c0ffee"), ("blobs/beef.incomplete", "")):  # a download that was interrupted
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text(text)
    assert "resnet18.a1_in1k will be downloaded to" in " ".join(project.command("doctor").stdout.split())
    (folder / "snapshots/c0ffee").mkdir(parents=True)
    (folder / "snapshots/c0ffee/model.safetensors").write_bytes(b"weights")
    assert "resnet18.a1_in1k is in" in " ".join(project.command("doctor").stdout.split())
