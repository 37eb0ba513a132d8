"""Virtual recordings stand in for real ones as often as asked, for the trained model alone, and as if worn alike."""

from __future__ import annotations

import pytest
import torch
from msgspec import structs
from scipy.spatial.transform import Rotation
from torch import Tensor

from trainers.data.inputs import ImageInput, SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.data.virtual.copies import VirtualSeries
from trainers.data.virtual.mounting import fit_mounting, rest_noise
from trainers.errors import TrainingError
from trainers.fit.loop import Training, fit
from trainers.fit.seeding import seeded
from trainers.fit.stacked import fit_stacked
from trainers.fit.tasks.classify import ClassifyTask
from trainers.gaf.params import GafParams
from trainers.models.cnn1d.model import CNN1D
from trainers.models.cnn1d.params import CNN1DParams
from trainers.params import AugmentParams, FitParams, StandardiseParams

N, L = 40, 60
PLAIN = AugmentParams(time_warp=0, crop=0, skeleton_rotation=0, inertial_rotation=0, scale=0, jitter=0)
ROWS = torch.arange(N)
TURN = torch.from_numpy(Rotation.from_euler("xyz", [40, -70, 110], degrees=True).as_matrix()).float()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def moved(seed: int, noise: float = 0.0) -> Tensor:
    """A sensor's (N, L, 6): half of each recording at rest, but for noise."""
    values = torch.randn(N, L, 6, generator=generator(seed))
    values[:, : L // 2] = 1.0
    return values + noise * torch.randn(values.shape, generator=generator(seed + 1))


def turned(series: Tensor, turn: Tensor) -> Tensor:
    return (series.view(N, L, 2, 3) @ turn.T).view(N, L, 6)


def series_input(series: Tensor, name: str = "wrist") -> SeriesInput:
    return SeriesInput(name, series=series, valid=torch.ones(N, 1, dtype=torch.bool), kind="series")


def recordings(
    params: AugmentParams, virtual: Tensor, there: Tensor | None = None, real: Tensor | None = None
) -> RecordingData:
    there = torch.ones(N, dtype=torch.bool) if there is None else there
    data = series_input(moved(1) if real is None else real)
    return RecordingData([data], torch.zeros(N), params, virtual={"wrist": VirtualSeries(virtual, there)})


def test_the_mounting_is_found_again_whatever_the_units() -> None:
    virtual = moved(3)
    real = turned(virtual, TURN) * torch.tensor([1.0, 1, 1, 57, 57, 57])
    torch.testing.assert_close(fit_mounting(virtual, real), TURN, atol=1e-5, rtol=0)


def test_a_mirrored_sensor_is_turned_and_never_mirrored() -> None:
    virtual = moved(3)
    assert torch.linalg.det(fit_mounting(virtual, -virtual)).item() == pytest.approx(1, abs=1e-5)


def test_noise_is_that_of_rest_and_not_of_movement() -> None:
    found = rest_noise(moved(5, noise=0.02))
    assert ((found > 0.002) & (found < 0.02)).all()
    torch.testing.assert_close(rest_noise(moved(5)), torch.zeros(6))


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_as_many_recordings_are_virtual_as_asked_and_only_those_that_there_are(share: float) -> None:
    real, there = moved(1), ROWS % 4 != 0
    virtual = turned(real, TURN.T) * 2  # the same at twice the strength
    data = recordings(replace_share(share), virtual, there)
    drawn = 0.0
    for seed in range(30):
        values = data.batch(ROWS, generator(seed))["inputs"]["wrist:series"]
        is_real = torch.isclose(values, real, atol=1e-4).flatten(1).all(1)
        is_virtual = torch.isclose(values, 2 * real, atol=1e-3).flatten(1).all(1)
        assert (is_real ^ is_virtual).all()
        assert is_real[~there].all()
        drawn += is_virtual[there].float().mean().item() / 30
    assert drawn == pytest.approx(share, abs=0.05)


def replace_share(share: float, **other: str) -> AugmentParams:
    return structs.replace(PLAIN, virtual=share, **other)


def test_nothing_is_replaced_where_nothing_is_drawn_or_asked() -> None:
    real = moved(1)
    data = recordings(replace_share(1.0), moved(9))
    torch.testing.assert_close(data.batch(ROWS)["inputs"]["wrist:series"], real)  # tested, or read for a standardiser
    data = recordings(PLAIN, moved(9))
    torch.testing.assert_close(data.batch(ROWS, generator())["inputs"]["wrist:series"], real)


def test_real_copies_are_drawn_as_without_virtual_ones() -> None:
    params = AugmentParams(modality_dropout=0.0)
    alone = RecordingData([series_input(moved(1))], torch.zeros(N), params).batch(ROWS, generator(4))
    there = torch.zeros(N, dtype=torch.bool)
    there[0] = True
    both = recordings(structs.replace(params, virtual=1.0), moved(9), there).batch(ROWS, generator(4))
    for one, other in zip(alone["inputs"]["wrist:series"][1:], both["inputs"]["wrist:series"][1:], strict=True):
        assert torch.equal(one, other)
    assert torch.equal(both["teacher"]["inputs"]["wrist:series"], alone["inputs"]["wrist:series"])


def test_a_teacher_sees_the_real_recording_and_every_form_of_the_students_the_virtual_one() -> None:
    real, virtual = moved(1), moved(9)
    valid = torch.ones(N, 1, dtype=torch.bool)
    patches = ModalityData(
        "wrist",
        "series",
        features=real.unfold(1, 6, 6).mean(-1),
        valid=valid.expand(N, 10),
        series=real,
        window=6,
        stride=6,
    )
    images = ImageInput("wrist", series=real, valid=valid, kind="series", gaf=GafParams(size=16))
    data = RecordingData(
        [patches, series_input(real), images], torch.zeros(N), replace_share(1.0),
        trained=["wrist:series", "wrist:images"],
        virtual={"wrist": VirtualSeries(virtual, torch.ones(N, dtype=torch.bool))},
    )  # fmt: skip
    batch = data.batch(ROWS, generator())
    torch.testing.assert_close(batch["inputs"]["wrist"], patches.derive(real))  # the teacher's form
    torch.testing.assert_close(batch["teacher"]["inputs"]["wrist:series"], real)
    made = batch["inputs"]["wrist:series"]
    assert not torch.allclose(made, real, atol=0.1)
    torch.testing.assert_close(batch["inputs"]["wrist:images"], images.derive(made))


def test_a_random_mounting_turns_each_recording_its_own_way_and_changes_no_size() -> None:
    virtual = moved(9)
    data = recordings(replace_share(1.0, virtual_mounting="random"), virtual)
    made = data.batch(ROWS, generator())["inputs"]["wrist:series"].view(N, L, 2, 3)
    torch.testing.assert_close(made.norm(dim=-1), virtual.view(N, L, 2, 3).norm(dim=-1), atol=1e-4, rtol=1e-4)
    found = torch.stack([fit_mounting(virtual[row : row + 1], made[row : row + 1].flatten(2)) for row in range(N)])
    assert found.std(0).min() > 0.3
    assert found.mean(0).abs().max() < 0.4


def test_virtual_recordings_have_the_real_sensors_noise() -> None:
    real, virtual = moved(1, noise=0.05), torch.ones(N, L, 6)
    data = recordings(replace_share(1.0, virtual_mounting="random"), virtual, real=real)
    made = data.batch(ROWS, generator())["inputs"]["wrist:series"]
    torch.testing.assert_close(made.std(1).mean(0), rest_noise(real), rtol=0.15, atol=0)


@pytest.mark.parametrize(
    ("virtual", "there", "said"),
    [
        (torch.ones(N, L, 3), torch.ones(N, dtype=torch.bool), "encode them again"),
        (torch.ones(N, L, 6), torch.zeros(N, dtype=torch.bool), "no training recording has a virtual series"),
    ],
)
def test_what_cannot_stand_in_is_refused(virtual: Tensor, there: Tensor, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        recordings(replace_share(0.5), virtual, there)


def test_stacked_trainings_take_the_same_virtual_recordings_as_each_alone() -> None:
    params, kept = FitParams(epochs=2, batch=16, warmup=1), torch.ones(N, dtype=torch.bool)
    data = RecordingData(
        [series_input(moved(1))], ROWS % 3, structs.replace(AugmentParams(), virtual=0.5),
        virtual={"wrist": VirtualSeries(moved(9), kept)},
    )  # fmt: skip

    def training(seed: int) -> Training:
        with seeded(seed):
            model = CNN1D(data.shapes, 3, CNN1DParams(width=4, blocks=1, embedding=8))
        standardiser = fit_standardiser(data.inputs.values(), StandardiseParams())
        return Training(ClassifyTask(Standardised(model, standardiser)), data, seed)

    alone = [fit(training(seed), params) for seed in (3, 4)]
    for one, other in zip(alone, fit_stacked([training(3), training(4)], params), strict=True):
        assert not isinstance(other, TrainingError)
        assert [each["loss"] for each in other] == pytest.approx([each["loss"] for each in one], rel=1e-4)
