"""The loss on angles compares B^3 cosines without ever holding them."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trainers.losses.rkd_angle import angle_difference


class Largest(TorchDispatchMode):
    """Remembers the number of elements of the largest tensor that any operation made."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(each, Tensor):
                self.elements = max(self.elements, each.numel())
        return made


@pytest.mark.parametrize(("batch", "width"), [(40, 6), (20, 50)])
def test_no_tensor_is_larger_than_a_chunk(batch: int, width: int) -> None:
    student, teacher = torch.randn(batch, width, requires_grad=True), torch.randn(batch, width - 1)
    values = 3 * batch * max(batch, width)
    with Largest() as largest:
        angle_difference(student, teacher, values).backward()
    assert largest.elements == values < batch**2 * max(batch, width)


@pytest.mark.parametrize("values", [1, 1000, 3000])
def test_chunks_change_neither_loss_nor_gradient(values: int) -> None:
    student, teacher = torch.randn(13, 5, requires_grad=True), torch.randn(13, 7)
    made = []
    for size in (values, 10**9):
        loss = angle_difference(student, teacher, size)
        made.append((loss, torch.autograd.grad(3 * loss, student)[0]))
    for first, second in zip(*made, strict=True):
        torch.testing.assert_close(first, second)


def test_without_gradient_the_loss_is_the_same() -> None:
    student, teacher = torch.randn(5, 4, requires_grad=True), torch.randn(5, 4)
    loss = angle_difference(student, teacher)
    assert angle_difference(student.detach(), teacher).item() == loss.item()
    with torch.no_grad():
        assert angle_difference(student, teacher).item() == loss.item()


PEAK = """
import resource, torch
from trainers.losses.rkd_angle import angle_difference
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
student, teacher = torch.randn(512, 300, requires_grad=True), torch.randn(512, 300)
before = peak()
angle_difference(student, teacher).backward()
print(peak() - before)
"""


@pytest.mark.slow  # 10 to 30 s on one core
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_a_batch_of_512_of_width_300_fits_in_512_mib() -> None:
    """All cosines together would be 512 MiB of each model, and as much again for every step of the gradient."""
    ran = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 512 * 2**20
