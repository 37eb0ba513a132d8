"""What tests of several packages need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .failing_io import failing_io  # noqa: F401 -- a fixture
from .other_users import python  # noqa: F401 -- a fixture
from .services import azure, s3  # noqa: F401 -- fixtures


@pytest.fixture(scope="session")
def pyts() -> Callable[[Any, int, str], Any]:
    """Return pyts's Gramian angular fields, (B, L, C) to (B, C, S, S), as an oracle.

    numba is told not to compile pyts: the same code as plain Python, without the half minute at its import.
    """
    import numba

    before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, True  # read where a function is decorated
    try:
        from pyts.image import GramianAngularField
    finally:
        numba.config.DISABLE_JIT = before

    def images(series: Any, size: int, field: str) -> Any:
        batch, length, channels = series.shape
        flat = np.asarray(series, np.float64).transpose(0, 2, 1).reshape(-1, length)
        return GramianAngularField(size, method=field).transform(flat).reshape(batch, channels, size, size)

    return images


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """Where networks run: a CPU and, where there is one, a GPU."""
    name: str = request.param
    if name == "cuda":
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no GPU")
    return name
