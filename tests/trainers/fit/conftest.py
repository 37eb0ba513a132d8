"""Graphs of steps without a GPU: what torch did is noted, and done again on the same memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from trainers.fit import captured_step, loop
from trainers.fit.captured_step import Figures, HostWaits, Run


class Operations(TorchDispatchMode):
    """Notes operations as it runs them, and runs them again with the arguments and into the results of then.

    A number that Python computed, a tensor that was replaced, a branch that was taken: all stay as they were, as in a
    CUDA graph.
    """

    def __init__(self) -> None:
        super().__init__()
        self._done: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        read, written = {_memory(each) for each in _tensors((args, kwargs))}, _tensors(out)
        if func._schema.is_mutable or not written or not all(_memory(each) in read for each in written):
            self._done.append((func, args, kwargs, out))  # all but views: what is done to their memory is done again
        return out

    @torch.no_grad()
    def again(self) -> None:
        for func, args, kwargs, out in self._done:
            for old, new in zip(_tensors(out), _tensors(func(*args, **kwargs)), strict=True):
                if _memory(old) != _memory(new):
                    old.copy_(new)


def _tensors(tree: Any) -> list[Tensor]:
    return [each for each in pytree.tree_leaves(tree) if isinstance(each, Tensor)]


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() or id(tensor)


class Recorder:
    """Records steps on a CPU as `trainers.fit.captured_step.Recorder` says, and counts what it did."""

    recorded = 0
    started = 0
    found: ClassVar[Counter[str]]  # by a trial

    def __init__(self, device: torch.device, generators: Sequence[torch.Generator]) -> None:
        pass

    def stream(self) -> AbstractContextManager[None]:
        return nullcontext()

    def try_out(self, run: Run) -> tuple[Figures, str]:
        with HostWaits() as waits:
            figures = run()
        type(self).found += waits.found
        return figures, next(iter(waits.found), "")

    def record(self, run: Run) -> tuple[Figures, Callable[[], None]]:
        type(self).recorded += 1
        with Operations() as operations:
            figures = run()  # a GPU would not run it, so the first start does nothing
        pending = True

        def start() -> None:
            nonlocal pending
            type(self).started += 1
            if not pending:
                operations.again()
            pending = False

        return figures, start


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Callable[..., type[Recorder]]:
    """Let steps be recorded from the call on, as long as the patch holds; return the class, which counts."""

    def record(patch: pytest.MonkeyPatch = monkeypatch) -> type[Recorder]:
        counting = type("Counting", (Recorder,), {"found": Counter()})
        for module in (captured_step, loop):
            patch.setattr(module, "recorder_for", lambda _: counting)
        captured_step._tell.cache_clear()
        return counting

    return record
