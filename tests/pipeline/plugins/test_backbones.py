"""A plug-in's backbone: its features, its weights, its code in keys; and mistakes in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from pipeline.stages.encode.video.backbone import build_backbone
from pipeline.stages.encode.video.params import VideoParams

from .page import examples
from .test_mistakes import edit, said_by_a_plan, said_by_a_step

EDGES = {"name": "edges.py:Edges", "width": 5}
STEP = "encode[depth]"


@pytest.fixture
def filmed(project: Any, small: dict[str, Any]) -> Any:
    """The sample's depth, and the page's backbone."""
    (project.folder / "edges.py").write_text(examples()["edges.py"])
    depth = {"backbone": EDGES, "weights": "none", "image_size": 32, "patches": 3}
    return project.write({**small, "modalities": ["depth"], "stages": {"encode": {"depth": depth}}})


def of_page() -> Any:
    """Return the page's class, and parameters of it."""
    told: dict[str, Any] = {}
    exec(compile(examples()["edges.py"], "edges.py", "exec"), told)
    return told["Edges"], told["Edges"].Params(width=5)


def build(weights: str = "none", file: Path | None = None) -> Any:
    params = VideoParams(backbone=EDGES, weights=weights, image_size=32)
    return build_backbone(params, file, torch.device("cpu"), lambda table, section: of_page())


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_what_its_class_makes_of_normalised_images(tmp_path: Path, channels: int) -> None:
    make, params = of_page()
    network = make(params)
    save_file(network.state_dict(), tmp_path / "edges.safetensors")
    images = torch.rand(4, channels, 32, 32)
    with torch.inference_mode():
        expected = network(((images - 0.5) / 0.25).expand(4, 3, 32, 32))
    backbone = build("edges.safetensors", tmp_path / "edges.safetensors")
    torch.testing.assert_close(backbone.features(images), expected)
    assert backbone.width == 5
    assert backbone.provenance["weights"] == "edges.safetensors"
    assert backbone.provenance["runtime"].endswith("as it is written")


def test_without_weights_it_is_initialised_alike_each_time() -> None:
    images = torch.rand(2, 3, 32, 32)
    first, second = build(), build()
    assert torch.equal(first.features(images), second.features(images))
    assert first.weights == "as edges.py:Edges makes them"


def test_its_code_is_in_the_keys_of_the_modality(filmed: Any) -> None:
    assert filmed.run() == ["index", STEP]
    plan = filmed.plan()
    recipe = plan.steps[STEP].recipe
    assert recipe["params"]["backbone"] == EDGES
    assert recipe["weights"] == {"own": True}
    assert plan.store.output("encode", plan.steps[STEP].key).manifest.provenance["weights"].startswith("as edges.py")
    edit(filmed, "edges.py", "relu().mean((2, 3))", "abs().mean((2, 3))")
    assert {*filmed.reasons()} == {STEP}
    assert "source file edges.py changed" in str(filmed.reasons())
    edit(filmed, "edges.py", "abs().mean((2, 3))", "relu().mean((2, 3))  # as before")
    assert filmed.reasons() == {}
    assert {*filmed.reasons(("stages.encode.depth.backbone.width", 6))} == {STEP}


def test_from_the_command_line(filmed: Any) -> None:
    assert "edges.py" not in filmed.command("run", "--device", "cpu").stderr
    assert "random" not in filmed.command("results").stdout
    assert "weights: none but what edges.py:Edges makes" in " ".join(filmed.command("doctor").stdout.split())


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("depth.backbone.widht", 3, "did you mean `width`?"),
        ("depth.backbone.name", "edges.py:Edge", "edges.py has no class Edge\n  its classes: Edges"),
        ("depth.backbone", {"width": 3}, "names no backbone"),
        ("depth.backbone", {"name": "edgy", "width": 3}, "no backbone 'edgy'"),
        ("depth.weights", "IMAGENET1K_V1", "edges.py:Edges is a backbone of your own: 'IMAGENET1K_V1' names none of"),
        ("depth", {"backbone": "edges.py:Edges"}, "no weights are named\n  add weights: FILE"),
        ("depth.weights", "edges.safetensors", "no such weights file"),
    ],
)
def test_a_name_or_a_parameter(filmed: Any, key: str, value: Any, said: str) -> None:
    message = said_by_a_plan(filmed, (f"stages.encode.{key}", value))
    assert said in message
    assert "--set stages.encode.depth" in message


FORWARD = "return self.convolve(images).relu().mean((2, 3))"
MISTAKES = [
    ("mean((2, 3))", "sum(9)", "edges.py:19 raised IndexError"),
    (FORWARD, "return self.convolve(images)", "(edges.py:5): gave a tensor (2, 5, 7, 7), wanted"),
    (FORWARD, "return 1", "gave int, wanted a tensor of floating-point numbers (2, features)"),
    (FORWARD, "return images.sum((1, 2, 3))[:, None] > 0", "gave torch.bool, wanted"),
    (FORWARD, "return images.new_zeros(1, 4)", "gave a tensor (1, 4), wanted"),
    ("Edges(nn.Module)", "Edges", "(edges.py:5): is no torch.nn.Module"),
    ("super().__init__()\n", "pass\n", "edges.py:15 raised AttributeError"),
    ("(0.25, 0.25, 0.25)", "(0.25, 0.25, 0)", "its std is (0.25, 0.25, 0)\n  make it three numbers above 0"),
    ("(0.5, 0.5, 0.5)", "0.5", "its mean is 0.5\n  make it three numbers, of red, green and blue"),
    ("self, params", "self", "edges.py:5 raised TypeError"),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_while_it_encodes(filmed: Any, old: str, new: str, said: str) -> None:
    edit(filmed, "edges.py", old, new)
    filmed.run(until="index")
    message = said_by_a_step(filmed, STEP)
    assert said in message
    assert "defect" not in message


def test_weights_of_another_class(filmed: Any) -> None:
    save_file({"convolve.weight": torch.zeros(4, 3, 7, 7)}, filmed.folder / "w.safetensors")
    filmed.run(until="index")
    filmed.file.write_text(filmed.file.read_text().replace("weights: none", "weights: w.safetensors"))
    message = said_by_a_step(filmed, STEP)
    assert "w.safetensors is a wrong weights file for edges.py:Edges: lacks convolve.bias" in message
