"""Three small modalities of the same twelve recordings, and checkpoints in memory."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from trainers.data.modality import ModalityData
from trainers.data.patches import derive_velocities, patches

ROWS = 12


@dataclass
class Memory:
    """A checkpoint that stops whoever trains when it has saved so many epochs."""

    content: bytes | None = None
    epochs: int = 1000

    def save(self, state: Callable[[], bytes]) -> None:
        self.content = state()
        self.epochs -= 1
        if not self.epochs:
            raise KeyboardInterrupt

    def load(self) -> bytes | None:
        return self.content


@pytest.fixture(name="Memory")
def memory() -> type[Memory]:
    """The class."""
    return Memory


def everything(patches: int) -> Tensor:
    return torch.ones(ROWS, patches, dtype=torch.bool)


@pytest.fixture
def skeleton() -> ModalityData:
    """A wandering skeleton of three joints with velocities: L 21, window 6, stride 3, P 6, D 18."""
    series = torch.randn(ROWS, 21, 9, generator=torch.Generator().manual_seed(0)).cumsum(1)
    features = patches(derive_velocities(series), torch.arange(6) * 3, 6, "mean")
    return ModalityData("skeleton", "skeleton", features, everything(6), series, 6, 3, velocities=True, vertical_axis=1)


@pytest.fixture
def inertial() -> ModalityData:
    """Accelerometer and gyroscope: L 40, window 8, stride 4, P 9, D 12."""
    series = 5 + 3 * torch.randn(ROWS, 40, 6, generator=torch.Generator().manual_seed(1))
    features = patches(series, torch.arange(9) * 4, 8, "mean-std")
    return ModalityData("inertial", "series", features, everything(9), series, 8, 4, reduce="mean-std")


@pytest.fixture
def video() -> ModalityData:
    """Features without series, P 5, D 16; the last two patches of every other recording are missing."""
    features = torch.randn(ROWS, 5, 16, generator=torch.Generator().manual_seed(2))
    valid = everything(5)
    valid[::2, 3:] = False
    return ModalityData("rgb", "video", features, valid)


@pytest.fixture
def labels() -> Tensor:
    return torch.arange(ROWS) % 4
