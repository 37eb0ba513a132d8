"""DMFT's streams, fusion, vote and sizes, on cases worked by hand from the paper's equations."""

import math

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor, nn

from trainers.errors import TrainingError
from trainers.models.dmft.fusion import TMT, PairFusion
from trainers.models.dmft.heads import vote
from trainers.models.dmft.mstt import MSTT, Stream, sinusoids
from trainers.models.dmft.params import Positions, StudentParams, TeacherParams
from trainers.models.dmft.student import DMFTStudent
from trainers.models.dmft.teacher import DMFTTeacher

SHAPES = {"skeleton": (6, 18), "inertial": (9, 12), "rgb": (5, 16)}
NATIVE = TeacherParams(width="native", layers=1, heads=1, feed_forward=8, dropout=0.0)
SMALL = {"width": 8, "layers": 1, "heads": 2, "feed_forward": 8, "dropout": 0.0}


class Times(nn.Module):
    """An encoder that can be followed by hand."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, tokens: Tensor, keep: Tensor | None = None, outputs: int | None = None) -> Tensor:
        return tokens[:, :outputs] * self.factor


def patches(rows: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(rows, *shape, generator=generator) for name, shape in SHAPES.items()}


def models(**changes: object) -> list[nn.Module]:
    torch.manual_seed(0)
    return [
        DMFTTeacher(SHAPES, 4, TeacherParams(**{**SMALL, **changes})),  # type: ignore[arg-type]
        DMFTStudent(SHAPES, 4, StudentParams(**{**SMALL, **changes})),  # type: ignore[arg-type]
    ]


def test_eq_1_positions() -> None:
    table = sinusoids(3, 5)
    one = [
        math.sin(1),
        math.cos(1),
        math.sin(10000 ** (-2 / 5)),
        math.cos(10000 ** (-2 / 5)),
        math.sin(10000 ** (-4 / 5)),
    ]
    assert table[0].tolist() == [0, 1, 0, 1, 0]
    torch.testing.assert_close(table[1], torch.tensor(one))


@pytest.mark.parametrize(("positions", "temporal"), [("spatial", False), ("both", True)])
def test_eq_2_and_3_positions_on_the_streams_asked_for(positions: Positions, temporal: bool) -> None:
    mstt = MSTT(SHAPES, replace(NATIVE, positions=positions))
    assert isinstance(mstt.spatial["rgb"].positions, Tensor)
    assert isinstance(mstt.temporal["rgb"].positions, Tensor) == temporal


def test_eq_2_class_token_first_and_positions_added_to_it_too() -> None:
    stream = Stream(3, 4, NATIVE, positions=True, where="x/spatial")
    stream.layers = nn.ModuleList([Times(1)])
    tokens = torch.randn(2, 3, 4)
    hidden = stream(tokens)
    assert hidden.shape == (2, 4, 4)
    torch.testing.assert_close(hidden[0, 0], stream.class_token[0, 0] + torch.tensor([0.0, 1.0, 0.0, 1.0]))
    torch.testing.assert_close(hidden[:, 1:], tokens + sinusoids(4, 4)[1:])


def test_temporal_tokens_are_patches_and_spatial_ones_features() -> None:
    mstt = MSTT(SHAPES, NATIVE)
    lengths: list[int] = []
    mstt.spatial["rgb"].layers[0].register_forward_pre_hook(lambda _, args: lengths.append(args[0].shape[1]))
    temporal, spatial, _ = mstt(patches(), {})
    assert lengths == [17]
    assert {name: tuple(hidden.shape) for name, hidden in temporal.items()} == {
        "skeleton": (3, 7, 18),
        "inertial": (3, 10, 12),
        "rgb": (3, 6, 16),
    }
    assert {name: tuple(hidden.shape) for name, hidden in spatial.items()} == {
        "skeleton": (3, 1, 6),
        "inertial": (3, 1, 9),
        "rgb": (3, 1, 5),
    }


def test_eq_7_to_9_tokens_go_up_to_the_wider_stream_and_down_to_the_average() -> None:
    fusion = PairFusion(1, 2, replace(NATIVE, tokens=1), "x and y")
    fusion.narrow = nn.ModuleList([Times(2), Times(1)])
    fusion.wide = nn.ModuleList([Times(3), Times(1)])
    with torch.no_grad():
        fusion.tokens.fill_(1.0)
        for up, down in zip(fusion.up, fusion.down, strict=True):
            assert isinstance(up, nn.Linear)
            assert isinstance(down, nn.Linear)
            up.weight.copy_(torch.tensor([[1.0], [2.0]]))
            up.bias.zero_()
            down.weight.copy_(torch.tensor([[1.0, 1.0]]))
            down.bias.fill_(1.0)
    seen: list[Tensor] = []
    fusion.narrow[1].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    narrow, wide = fusion(torch.full((1, 3, 1), 5.0), torch.full((1, 4, 2), 7.0), None, None)
    # first layer: narrow token 1 x 2 = 2; wide token (1, 2) x 3 = (3, 6), down 3 + 6 + 1 = 10; average 6
    assert seen[0][0, :, 0].tolist() == [6, 10, 10, 10]
    assert narrow[0].tolist() == [[10]]
    assert wide[0].tolist() == [[21, 21]]


def test_equal_widths_need_no_projection() -> None:
    fusion = PairFusion(4, 4, NATIVE, "x and y")
    assert isinstance(fusion.up[0], nn.Identity)
    assert isinstance(fusion.down[0], nn.Identity)


def test_eq_10_averages_over_the_pairs_that_hold_a_modality() -> None:
    fusion = TMT({"a": 2, "b": 2, "c": 2}, replace(NATIVE, tokens=1))
    assert fusion.pairs == (("a", "b"), ("a", "c"), ("b", "c"))
    for pair, factors in zip(fusion.fusions, [(1, 2), (3, 4), (5, 6)], strict=True):
        pair.narrow = nn.ModuleList([Times(factors[0])])
        pair.wide = nn.ModuleList([Times(factors[1])])
    ones = {name: torch.ones(1, 3, 2) for name in "abc"}
    made = fusion(ones, dict.fromkeys("abc"))
    assert {name: hidden.unique().tolist() for name, hidden in made.items()} == {
        "a": [2.0],
        "b": [3.5],
        "c": [5.0],
    }


def test_one_modality_is_not_fused() -> None:
    teacher = DMFTTeacher({"skeleton": (6, 18)}, 4, TeacherParams(width=8, heads=2, feed_forward=8))
    assert set(teacher(patches(), {})["streams"]) == {"skeleton/temporal", "skeleton/spatial"}


def test_eq_11_and_12_mean_of_softmaxes() -> None:
    first = torch.tensor([[0.0, math.log(3.0)]])  # 1/4, 3/4
    second = torch.tensor([[math.log(4.0), 0.0]])  # 4/5, 1/5
    torch.testing.assert_close(vote([first, second]).exp(), torch.tensor([[0.525, 0.475]]))


@pytest.mark.parametrize("changes", [{}, {"width": "native", "heads": 1}, {"norm": "post"}, {"positions": "spatial"}])
def test_outputs(changes: dict[str, object]) -> None:
    for model in models(**changes):
        output = model(patches(), {})
        widths = sum(p + d for p, d in SHAPES.values()) if "width" in changes else 6 * 8
        assert output["logits"].shape == (3, 4)
        torch.testing.assert_close(output["logits"].exp().sum(-1), torch.ones(3))
        assert output["embedding"].shape == (3, widths)
        assert set(output["streams"]) == {f"{m}/{s}" for m in SHAPES for s in ("temporal", "spatial")}


def test_the_teacher_fuses_and_the_student_does_not() -> None:
    """What one modality says about another."""
    changed = patches()
    changed["inertial"] = changed["inertial"] + 1
    for model, moved in zip(models(), (True, False), strict=True):
        before, after = (model(inputs, {})["streams"] for inputs in (patches(), changed))
        assert torch.equal(before["skeleton/temporal"], after["skeleton/temporal"]) is not moved
        assert torch.equal(before["skeleton/spatial"], after["skeleton/spatial"])


def test_missing_patches_change_nothing_whatever_they_hold() -> None:
    valid = {"skeleton": torch.ones(3, 6, dtype=torch.bool)}
    valid["skeleton"][0, 4:] = False
    other = patches()
    other["skeleton"][0, 4:] = 1e3
    for model in models():
        before, after = (model(inputs, valid)["streams"] for inputs in (patches(), other))
        for name in before:
            torch.testing.assert_close(before[name], after[name])


def test_missing_patches_are_as_good_as_not_there_in_the_temporal_stream() -> None:
    mstt = MSTT({"x": (6, 8)}, replace(NATIVE, layers=2, heads=2, positions="spatial"))
    inputs = torch.randn(3, 6, 8)
    valid = torch.tensor([[True, True, True, True, False, False]]).expand(3, 6)
    masked = mstt.temporal["x"](inputs, nn.functional.pad(valid, (1, 0), value=True)[:, None, None])
    torch.testing.assert_close(masked[:, :5], mstt.temporal["x"](inputs[:, :4]))


def test_a_mask_that_is_all_true_is_no_mask() -> None:
    valid = {name: torch.ones(3, shape[0], dtype=torch.bool) for name, shape in SHAPES.items()}
    for model in models():
        torch.testing.assert_close(model(patches(), valid)["logits"], model(patches(), {})["logits"])


def test_heads_must_divide_native_widths() -> None:
    with pytest.raises(TrainingError, match=r"heads: 4 does not divide the width 18 of skeleton/temporal"):
        DMFTStudent(SHAPES, 4, StudentParams(width="native"))


def test_the_defaults_have_about_a_quarter_of_a_million_parameters() -> None:
    teacher = DMFTTeacher({"skeleton": (20, 120), "inertial": (20, 12)}, 27, TeacherParams())
    assert 0.22e6 < sum(weight.numel() for weight in teacher.parameters()) < 0.26e6


@pytest.mark.parametrize(
    ("modalities", "megabytes"), [("RS", 364.3), ("RSI", 375.5), ("RSDI", 577.0)], ids=["364", "375", "577"]
)
def test_table_6_student_sizes(modalities: str, megabytes: float) -> None:
    """Table 6's 364, 375 and 577 MB, within 1 %, in fp32 and MB of 10^6 bytes.

    The reading: 2 layers a stream, feed-forward 2048, RGB and depth 2048 wide (ResNet50), skeleton windows
    flattened to 1800 = 60 x 30, inertial ones to 270. P is not stated and all but free: a spatial stream is
    only P wide. With P = 20 the spatial streams add 0.4 %; temporal ones alone give the sizes to the digit.
    """
    widths = {"R": 2048, "S": 1800, "D": 2048, "I": 270}
    params = StudentParams(width="native", layers=2, heads=2, feed_forward=2048, norm="post", positions="spatial")
    with torch.device("meta"):
        student = DMFTStudent({name: (20, widths[name]) for name in modalities}, 27, params)
    size = 4 * sum(weight.numel() for weight in student.parameters()) / 1e6
    assert size == pytest.approx(megabytes, rel=0.01)
    temporal = 4 * sum(weight.numel() for weight in student.mstt.temporal.parameters()) / 1e6
    assert temporal == pytest.approx(megabytes, abs=0.1)


def test_the_vote_is_of_the_streams_that_are_there_worked_by_hand() -> None:
    streams = [torch.tensor([[math.log(3.0), 0.0]] * 2), torch.tensor([[0.0, 0.0]] * 2)]  # 3/4 and 1/2 for class 0
    voted = vote(streams, [None, torch.tensor([True, False])]).exp()
    torch.testing.assert_close(voted, torch.tensor([[0.625, 0.375], [0.75, 0.25]]))
    nobody = vote(streams, [torch.tensor([False, False])] * 2).exp()
    torch.testing.assert_close(nobody, torch.tensor([[0.625, 0.375]] * 2))


@pytest.mark.parametrize("count", range(1, 13))
def test_a_vote_of_all_is_the_same_to_the_bit_with_masks(count: int) -> None:
    streams = [*torch.randn(count, 50, 9, generator=torch.Generator().manual_seed(count))]
    assert torch.equal(vote(streams, [torch.ones(50, dtype=torch.bool)] * count), vote(streams))


@pytest.mark.parametrize("number", [0, 1], ids=["teacher", "student"])
def test_an_absent_modality_has_no_vote_and_its_values_change_nothing(number: int) -> None:
    model, inputs = models()[number].eval(), patches()
    valid = {"rgb": torch.zeros(3, 5, dtype=torch.bool)}
    given, other = model(inputs, valid), model({**inputs, "rgb": torch.full((3, 5, 16), math.nan)}, valid)
    there = [logits for name, logits in given["streams"].items() if not name.startswith("rgb/")]
    torch.testing.assert_close(given["logits"], vote(there))
    assert torch.equal(given["logits"], other["logits"])
    assert all(bool(logits.isfinite().all()) for logits in other["streams"].values())
