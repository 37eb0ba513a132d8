"""Early and late fusion, and DMFT's teacher without its fusion: what speaks to what, and what masks leave out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.models.dmft.heads import vote
from trainers.models.dmft.params import StudentParams, TeacherParams
from trainers.models.dmft.student import DMFTStudent
from trainers.models.dmft.teacher import DMFTTeacher
from trainers.models.fusion.early import EarlyFusion
from trainers.models.fusion.late import LateFusion
from trainers.models.fusion.params import FusionParams

SHAPES = {"skeleton": (6, 18), "inertial": (6, 12)}
SMALL = FusionParams(width=8, layers=2, heads=2, feed_forward=8, dropout=0.1)
Build = Callable[..., nn.Module]
BOTH = pytest.mark.parametrize("build", [EarlyFusion, LateFusion])


def made(build: Build, shapes: Mapping[str, tuple[int, ...]] = SHAPES, params: FusionParams = SMALL) -> nn.Module:
    torch.manual_seed(0)
    return build(shapes, 4, params).eval()


def patches(rows: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(rows, *shape, generator=generator) for name, shape in SHAPES.items()}


def parameters(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@BOTH
@pytest.mark.parametrize("rows", [1, 3])
def test_outputs(build: Build, rows: int) -> None:
    model = made(build)
    output: ModelOutput = model(patches(rows), {})
    names = {"skeleton+inertial/temporal"} if build is EarlyFusion else {"skeleton/temporal", "inertial/temporal"}
    assert {*output["streams"]} == names
    assert all(logits.shape == (rows, 4) for logits in output["streams"].values())
    assert output["embedding"].shape == (rows, model.embedding_width) == (rows, 8 * len(names))
    torch.testing.assert_close(output["logits"], vote(output["streams"].values()))


def test_only_early_fusion_lets_one_modality_speak_of_another() -> None:
    changed = {**patches(), "inertial": patches()["inertial"] + 1}
    early, late = (made(build) for build in (EarlyFusion, LateFusion))
    before, after = (late(inputs, {})["streams"] for inputs in (patches(), changed))
    assert torch.equal(before["skeleton/temporal"], after["skeleton/temporal"])
    assert not torch.equal(before["inertial/temporal"], after["inertial/temporal"])
    assert not torch.equal(early(patches(), {})["logits"], early(changed, {})["logits"])


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("width", [8, "native"])
def test_early_fusion_is_torchs_encoder_on_features_side_by_side(norm: str, width: int | str) -> None:
    params = FusionParams(width=width, layers=1, heads=2, feed_forward=8, dropout=0.0, norm=norm)  # type: ignore[arg-type]
    model, inputs = made(EarlyFusion, params=params), patches()
    inside = 30 if width == "native" else 8
    layer = nn.TransformerEncoderLayer(inside, 2, 8, 0.0, batch_first=True, norm_first=norm == "pre")
    mine = model.stream.layers[0]
    layer.load_state_dict(
        {
            "self_attn.in_proj_weight": mine.qkv.weight,
            "self_attn.in_proj_bias": mine.qkv.bias,
            **{f"self_attn.out_proj.{each}": value for each, value in mine.out.state_dict().items()},
            **{f"linear1.{each}": value for each, value in mine.expand.state_dict().items()},
            **{f"linear2.{each}": value for each, value in mine.contract.state_dict().items()},
            **{f"norm1.{each}": value for each, value in mine.norm_attention.state_dict().items()},
            **{f"norm2.{each}": value for each, value in mine.norm_feed.state_dict().items()},
        }
    )
    at = torch.arange(7.0)[:, None] / 10000 ** (torch.arange(0, inside, 2) / inside)
    positions = torch.stack([at.sin(), at.cos()], -1).flatten(1)
    tokens = model.stream.project(torch.cat([inputs["skeleton"], inputs["inertial"]], -1))
    hidden = layer(torch.cat([model.stream.class_token.expand(3, 1, inside), tokens], 1) + positions)[:, 0]
    if norm == "pre":
        hidden = nn.functional.layer_norm(hidden, (inside,))
    (head,) = model.heads.linears.values()
    torch.testing.assert_close(model(inputs, {})["logits"], head(hidden).log_softmax(-1), rtol=1e-4, atol=1e-5)


def test_late_fusion_is_the_students_temporal_streams() -> None:
    """With the student's weights, each stream says what the student's of the same name says."""
    student = DMFTStudent(SHAPES, 4, StudentParams(width=8, layers=2, heads=2, feed_forward=8)).eval()
    late = made(LateFusion)
    state = {name.replace("streams.", "mstt.temporal."): name for name in late.state_dict()}
    late.load_state_dict({name: student.state_dict()[theirs] for theirs, name in state.items()})
    expected, found = student(patches(), {})["streams"], late(patches(), {})
    assert all(torch.equal(found["streams"][name], expected[name]) for name in found["streams"])
    probabilities = torch.stack([expected[f"{name}/temporal"].softmax(-1) for name in SHAPES]).mean(0)
    torch.testing.assert_close(found["logits"].exp(), probabilities)


def test_the_teacher_without_fusion_is_dmft_lite_of_its_sizes() -> None:
    """What is left of `dmft` when nothing is fused: model `dmft-lite` at the same parameters, weight by weight."""
    sizes = {"width": 8, "layers": 2, "heads": 2, "feed_forward": 8}
    teacher = DMFTTeacher(SHAPES, 4, TeacherParams(**sizes)).eval()  # type: ignore[arg-type]
    lite = DMFTStudent(SHAPES, 4, StudentParams(**sizes)).eval()  # type: ignore[arg-type]
    state = teacher.state_dict()
    assert {name for name in state if not name.startswith("fusion.")} == {*lite.state_dict()}
    lite.load_state_dict({name: state[name] for name in lite.state_dict()})
    fused = teacher(patches(), {})["logits"]
    teacher.fusion.pairs = ()  # what is fused is then what came
    unfused, found = teacher(patches(), {}), lite(patches(), {})
    torch.testing.assert_close(found["logits"], unfused["logits"])
    torch.testing.assert_close(found["embedding"], unfused["embedding"])
    assert {*found["streams"]} == {*unfused["streams"]}
    assert not torch.allclose(found["logits"], fused)


def test_the_defaults_are_those_of_dmft() -> None:
    teacher = TeacherParams()
    assert all(getattr(teacher, name) == value for name, value in zip(*fields(FusionParams()), strict=True))


def fields(params: FusionParams) -> tuple[list[str], list[object]]:
    names = [*params.__struct_fields__]
    return names, [getattr(params, name) for name in names]


def test_parameters_by_hand() -> None:
    layer = (48 + 1) * 3 * 48 + (48 + 1) * 48 + (48 + 1) * 96 + (96 + 1) * 48 + 2 * 2 * 48
    around = 48 + 2 * 48 + (48 + 1) * 27  # the class token, the last norm, the head
    shapes = {"skeleton": (20, 120), "inertial": (20, 12)}
    early, late = (build(shapes, 27, FusionParams()) for build in (EarlyFusion, LateFusion))
    assert parameters(early) == (132 + 1) * 48 + 2 * layer + around
    assert parameters(late) == (120 + 1) * 48 + (12 + 1) * 48 + 2 * (2 * layer + around)


@BOTH
def test_missing_patches_change_nothing_whatever_they_hold(build: Build) -> None:
    model, inputs, other = made(build), patches(), patches()
    valid = {name: torch.ones(3, 6, dtype=torch.bool) for name in SHAPES}
    valid["skeleton"][0, 4:] = False
    other["skeleton"][0, 4:] = math.nan
    assert torch.equal(model(inputs, valid)["logits"], model(other, valid)["logits"])
    whole = {name: torch.ones_like(mask) for name, mask in valid.items()}
    torch.testing.assert_close(model(inputs, whole)["logits"], model(inputs, {})["logits"])
    assert not torch.allclose(model(inputs, valid)["logits"][0], model(inputs, {})["logits"][0])


@BOTH
def test_patches_that_no_modality_has_are_as_good_as_not_there(build: Build) -> None:
    short = {name: (4, shape[1]) for name, shape in SHAPES.items()}
    model, fewer = made(build), made(build, short)
    fewer.load_state_dict(model.state_dict())
    valid = {name: (torch.arange(6) < 4).expand(3, 6) for name in SHAPES}
    cut = {name: values[:, :4] for name, values in patches().items()}
    torch.testing.assert_close(model(patches(), valid)["logits"], fewer(cut, {})["logits"])


@BOTH
def test_an_absent_modality_has_no_say(build: Build) -> None:
    model, inputs = made(build), patches()
    valid = {"inertial": torch.zeros(3, 6, dtype=torch.bool)}
    found = model(inputs, valid)
    other = model({**inputs, "inertial": torch.full((3, 6, 12), math.nan)}, valid)
    assert torch.equal(found["logits"], other["logits"])
    if build is LateFusion:
        torch.testing.assert_close(found["logits"], found["streams"]["skeleton/temporal"].log_softmax(-1))
    nothing = model(inputs, {name: torch.zeros(3, 6, dtype=torch.bool) for name in SHAPES})
    assert bool(nothing["logits"].isfinite().all())


@BOTH
def test_gradients_reach_every_parameter(build: Build) -> None:
    model = made(build).train()
    output = model(patches(16), {})
    torch.autograd.backward(
        sum(nn.functional.cross_entropy(each, torch.arange(16) % 4) for each in output["streams"].values())
    )
    without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []


def test_early_fusion_wants_one_number_of_patches() -> None:
    with pytest.raises(TrainingError, match="as many patches of each modality, not a 6, b 9; give the modalities"):
        EarlyFusion({"a": (6, 4), "b": (9, 4)}, 3, SMALL)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="heads: 3 does not divide the width 8; choose of 1, 2, 4, 8"):
        FusionParams(width=8, heads=3)
    with pytest.raises(TrainingError, match=r"heads: 4 does not divide the width 30 of skeleton\+inertial/temporal"):
        EarlyFusion(SHAPES, 4, FusionParams(width="native"))
