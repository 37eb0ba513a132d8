"""Windows, their reduction, bones and velocities, against numbers worked by hand and numpy."""

import numpy as np
import pytest
import torch

from trainers.data.patches import derive_bones, derive_velocities, patches

RAMP = torch.tensor([[[0.0, 10.0], [1.0, 12.0], [2.0, 16.0], [3.0, 24.0]]])  # (1, 4, 2)


def test_velocities_are_changes_since_the_sample_before() -> None:
    expected = [[0, 10, 0, 0], [1, 12, 1, 2], [2, 16, 1, 4], [3, 24, 1, 8]]
    assert derive_velocities(RAMP)[0].tolist() == expected


# a hip at (1, 1, 1), a knee that swings below it, and a foot one below the knee; then all of it a step further
LEG = torch.tensor([[[1.0, 1, 1, 1, 0, 1, 1, -1, 1], [1, 1, 1, 2, 1, 1, 2, 0, 1], [4, 1, 1, 5, 1, 1, 5, 0, 1]]])


def test_bones_go_from_each_joints_parent_to_the_joint_and_a_root_has_none() -> None:
    thigh, shin = [[0, -1, 0], [1, 0, 0], [1, 0, 0]], [[0, -1, 0], [0, -1, 0], [0, -1, 0]]
    made = derive_bones(LEG, [0, 0, 1])[0]
    assert made[:, :9].equal(LEG[0])
    assert made[:, 9:12].tolist() == thigh
    assert made[:, 12:].tolist() == shin


def test_bones_are_in_the_order_of_the_joints_that_they_end_at() -> None:
    """The foot is the root here: the order of joints is not that of the tree."""
    made = derive_bones(LEG, [1, 2, 2])[0, 0, 9:]
    assert made.tolist() == [0, 1, 0, 0, 1, 0]


def test_bones_have_velocities_too_after_those_of_positions() -> None:
    made = derive_velocities(derive_bones(LEG, [0, 0, 1]))[0]
    assert made.shape == (3, 30)
    assert made[1, 15:].tolist() == [0, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0]
    assert made[2, 15:].tolist() == [3, 0, 0, 3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]


def test_mean_averages_each_window() -> None:
    made = patches(RAMP, torch.tensor([0, 2]), 2, "mean")
    assert made[0].tolist() == [[0.5, 11.0], [2.5, 20.0]]


def test_mean_std_puts_all_means_before_all_deviations() -> None:
    made = patches(RAMP, torch.tensor([0, 2]), 2, "mean-std")
    assert made[0].tolist() == [[0.5, 11.0, 0.5, 1.0], [2.5, 20.0, 0.5, 4.0]]


def test_flatten_keeps_samples_one_after_the_other() -> None:
    made = patches(RAMP, torch.tensor([1]), 3, "flatten")
    assert made[0].tolist() == [[1, 12, 2, 16, 3, 24]]


@pytest.mark.parametrize(("reduce", "width"), [("mean", 5), ("mean-std", 10), ("flatten", 30)])
def test_overlapping_windows_agree_with_numpy(reduce: str, width: int) -> None:
    series = torch.randn(3, 63, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    starts = torch.arange(20) * 3
    made = patches(series, starts, 6, reduce)  # type: ignore[arg-type]
    windows = np.stack([series.numpy()[:, s : s + 6] for s in starts.tolist()], 1)
    parts = {
        "mean": lambda: windows.mean(2),
        "mean-std": lambda: np.concatenate([windows.mean(2), windows.std(2)], -1),
        "flatten": lambda: windows.reshape(3, 20, -1),
    }
    assert made.shape == (3, 20, width)
    np.testing.assert_allclose(made.numpy(), parts[reduce](), atol=1e-12)
