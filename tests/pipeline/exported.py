"""Small exported models whose answers are known in closed form, and a Python that has no torch."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.edge.card import METADATA, Card, Span, StreamInput, encode_card

REPOSITORY = Path(__file__).parents[2]
CLASSES = ("walk", "run", "jump")
WRIST = StreamInput(
    name="wrist", sample=(3,), rate=50.0, channels=("ax", "ay", "az"), unit="g", low=(-2.0,) * 3, high=(2.0,) * 3
)
BODY = StreamInput(name="body", sample=(4, 3), rate=30.0, unit="m")
INERTIAL = StreamInput(name="inertial", sample=(6,), rate=50.0, unit="g, deg/s")  # of UTD-MHAD
STREAMS = {each.name: each for each in (WRIST, BODY, INERTIAL)}
WINDOWS = 8, 8, 4  # length and distance in samples, and how many
MakeModel = Callable[..., Path]


def card_of(*streams: StreamInput, **changes: Any) -> Card:
    """Return the card of a small model of these streams."""
    spans = tuple(Span(modality=each.name, streams=(each.name,), align="resample") for each in streams)
    card = Card(
        model="small", step="small[seed=0]", key="0" * 64, dataset="made-up", classes=CLASSES, streams=streams,
        spans=spans, program="harvest 0",
    )  # fmt: skip
    return msgspec.structs.replace(card, **changes)


def softmax(logits: Any) -> Any:
    """Return probabilities of logits."""
    shares = np.exp(logits - np.max(logits))
    return shares / shares.sum()


@functools.cache
def exported(names: tuple[str, ...]) -> bytes:
    """Export a network that adds each stream's mean: of its first three channels, of the body's first joint.

    A recording that stands still at (a, b, c) therefore has the probabilities softmax(a, b, c).
    """
    import torch

    from pipeline.edge.export.onnx_file import onnx_file
    from pipeline.edge.export.raw_model import ModalityGraph, ModalityInputs, RawModel
    from pipeline.stages.encode.align import Windows
    from pipeline.stages.encode.timelines.params import SkeletonParams

    class Means(torch.nn.Module):
        def forward(self, inputs: dict[str, Any], masks: dict[str, Any]) -> dict[str, Any]:
            return {"logits": sum(each.mean(1)[:, :3] for each in inputs.values())}

    joints = SkeletonParams(hip_centre=0, shoulder_centre=1, centre="none")
    modalities = {}
    for name in names:
        graph = ModalityGraph(
            streams=(name,), rate=STREAMS[name].rate, spec=Windows(*WINDOWS, "resample"), channels=(),
            skeleton=joints if name == "body" else None, reduce="mean", velocities=False,
        )  # fmt: skip
        modalities[name] = ModalityInputs(graph, {name: "patches"})
    return onnx_file(RawModel(Means(), modalities).eval(), card_of(*(STREAMS[name] for name in names))).content


def with_metadata(content: bytes, metadata: dict[str, str]) -> bytes:
    """Return an ONNX file with other metadata."""
    import onnx

    model = onnx.load_from_string(content)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata)
    return bytes(model.SerializeToString())


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """A function that writes the model of some streams, with a card that says what is given of it."""

    def make(*streams: StreamInput, name: str = "model.onnx", **changes: Any) -> Path:
        card = card_of(*(streams or (WRIST,)), **changes)
        content = exported(tuple(each.name for each in card.streams))
        path = tmp_path / name
        path.write_bytes(with_metadata(content, {METADATA: encode_card(card)}))
        return path

    return make


class Bare:
    """A Python in which only some packages are installed, and nothing of this environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        (self.site,) = folder.glob("lib/python*/site-packages")

    def install(self, name: str) -> Bare:
        """Put in what a distribution put into this environment."""
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            (self.site / top).symlink_to(Path(str(found.locate_file(top))).resolve())
        return self

    def pipeline(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run ``pipeline ...``."""
        return self._run("-m", "pipeline", *arguments, code=code)

    def run(self, program: str) -> subprocess.CompletedProcess[str]:
        """Run some lines of Python."""
        return self._run("-c", program, code=0)

    def _run(self, *arguments: str, code: int) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.python, *arguments], cwd=self.folder, capture_output=True, text=True,
            env={"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"], "HOME": str(self.folder)},
        )  # fmt: skip
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture(scope="session")
def without_torch(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """A Python with what docs/edge.md says to install, and no more."""
    bare = Bare(tmp_path_factory.mktemp("bare") / "venv")
    for name in ("numpy", "onnxruntime", "msgspec", "click"):
        bare.install(name)
    return bare


@pytest.fixture
def empty_python(tmp_path: Path) -> Bare:
    """A Python with the program's own packages for its command line, and nothing that computes."""
    return Bare(tmp_path / "empty").install("msgspec").install("click")
