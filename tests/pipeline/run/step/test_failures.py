"""What is said of a failure."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pipeline.run.messages import StepFailed
from pipeline.run.step.failures import capture_failure
from trainers.models.cnn1d.model import CNN1D
from trainers.models.cnn1d.params import CNN1DParams

ACCELERATOR_ERROR = getattr(torch, "AcceleratorError", torch.OutOfMemoryError)  # torch has it from 2.8 on


@pytest.mark.parametrize(
    ("error", "message", "internal_error"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "out of the GPU's memory", False),
        (MemoryError(), "out of memory", False),
        (OSError(5, "Input/output error", "a.csv"), "'a.csv'\n  that is an error of the system", False),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "CUDA_LAUNCH_BLOCKING=1", True),
        (ACCELERATOR_ERROR("CUDA error: unspecified launch failure\nCompile with ..."), "nvidia-smi", True),
        (RuntimeError("CUDA error: no kernel image is available for execution on the device"), "torch's build", True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "the GPU failed: cuDNN error", True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling cublasSgemm"), "the GPU failed", True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), "out of the GPU's memory", False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "this is a defect of harvest", True),
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


def test_a_gpus_error_in_a_models_own_lines_is_not_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    network = CNN1D({"inertial:series": (20, 6)}, 5, CNN1DParams())

    def fails(*_: object) -> None:
        raise RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR")

    monkeypatch.setattr(network.stem, "forward", fails)
    failed = capture_failure("store", lambda: network({"inertial:series": torch.zeros(2, 20, 6)}, {}))
    assert isinstance(failed, StepFailed)
    assert failed.message.startswith("the GPU failed: cuDNN error")
    assert failed.internal_error


def test_what_torch_itself_raises_on_a_gpu_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
            return values.clone()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient[:1].expand(2)  # refused by autograd, as a kernel may refuse what it is given

    def step() -> None:
        Kernel.apply(torch.ones(3, requires_grad=True)).sum().backward()

    failed = capture_failure("store", step)
    assert isinstance(failed, StepFailed)
    assert "defect of harvest" in failed.message
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    failed = capture_failure("store", step)
    assert isinstance(failed, StepFailed)
    assert failed.message.startswith(f"torch {torch.__version__} failed on the GPU: ")
    assert "--device cpu" in failed.message
