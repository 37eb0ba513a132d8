"""What is said of a failure."""

from __future__ import annotations

import pytest
import torch

from pipeline.run.messages import StepFailed
from pipeline.run.step.failures import capture_failure


@pytest.mark.parametrize(
    ("error", "message", "internal_error"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "out of the GPU's memory", False),
        (MemoryError(), "out of memory", False),
        (OSError(5, "Input/output error", "a.csv"), "'a.csv'\n  that is an error of the system", False),
        (RuntimeError("CUDA error: an illegal memory access"), "this is a defect of harvest", True),
    ],
)
def test_what_went_wrong_and_what_to_do(error: Exception, message: str, internal_error: bool) -> None:
    def work() -> None:
        raise error

    failed = capture_failure("store", work)
    assert isinstance(failed, StepFailed)
    assert message in failed.message
    assert "\n  " in failed.message
    assert failed.internal_error == internal_error
