"""Whether there is a GPU is known without torch where there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from pipeline.run.step.gpus import count_gpus


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_torch_is_not_imported() -> None:
    code = "import sys, pipeline.run.step.gpus as gpus; print(gpus.count_gpus('auto'), 'torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["0", "False"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_as_many_as_torch_sees_unless_only_the_cpu_is_asked_for() -> None:
    assert count_gpus("auto") == count_gpus("cuda") == torch.cuda.device_count()
    assert count_gpus("cpu") == 0
