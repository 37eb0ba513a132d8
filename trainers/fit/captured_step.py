"""A training step as one CUDA graph: recorded once for each kind of batch, then started by a single call.

A step of a small model is a thousand operations of a few microseconds, each of which costs the host more to start than
the GPU to do. A graph starts them all at once, on the same memory with the same draws, so that what it computes is what
the step computes. What no graph can hold (see `HostWaits`) runs as it is, and says so once. On a CPU all steps do.
"""

from __future__ import annotations

import logging
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_log = logging.getLogger(__name__)

Figures = tuple[Tensor, Tensor]  # a step's loss and hits
Step = Callable[[Tensor], Figures]  # of the row numbers of its batch
Run = Callable[[], Figures]

_INDEXING = ("aten.index.", "aten.index_put", "aten._index_put_impl")


class Recorder(Protocol):
    """Records steps on a device."""

    def stream(self) -> AbstractContextManager[None]:
        """Return the context in which a training runs."""
        ...

    def try_out(self, run: Run) -> tuple[Figures, str]:
        """Run a step as it is; return its figures and what of it cannot be recorded, empty where all can."""
        ...

    def record(self, run: Run) -> tuple[Figures, Callable[[], None]]:
        """Record a step without running it; return where its figures will be, and what runs it.

        RuntimeError where it cannot be recorded after all; then it can be run as it is.
        """
        ...


class _Recorded(NamedTuple):
    rows: Tensor  # those of the batch are written here before each run
    figures: Figures
    run: Callable[[], None]


class Steps:
    """Runs a training's steps, recorded where there is a recorder and they can be."""

    def __init__(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self._recorded: dict[Hashable, _Recorded] = {}
        self._tried: dict[Hashable, str] = {}  # what was found when steps of a kind were tried out

    def run(self, kind: Hashable, step: Step, rows: Tensor) -> Figures:
        """Run a step on a batch's rows; all of one kind do the same operations on tensors of the same sizes."""
        if self._recorder is None:
            return step(rows)
        if kind not in self._recorded:
            if self._tried.get(kind, "never"):  # a first time may bring to the device what stays there
                figures, problem = self._recorder.try_out(partial(step, rows))
                if problem and kind in self._tried:
                    self._give_up(problem)
                self._tried[kind] = problem
                return figures
            static = rows.clone()
            try:
                self._recorded[kind] = _Recorded(static, *self._recorder.record(partial(step, static)))
            except RuntimeError as error:
                self._give_up(str(error.__context__ or error).splitlines()[0])
                return step(rows)
        recorded = self._recorded[kind]
        recorded.rows.copy_(rows)
        recorded.run()
        loss, hits = recorded.figures
        return loss.clone(), hits.clone()  # the next run writes to the same place

    def _give_up(self, problem: str) -> None:
        self._recorder = None
        self._recorded.clear()
        _tell(problem)


@cache
def _tell(problem: str) -> None:
    """Say once a process why steps are not recorded."""
    _log.warning("note: training runs operation by operation, not as one CUDA graph a step: %s", problem)


@contextmanager
def recorded_steps(device: torch.device, generators: Sequence[torch.Generator]) -> Iterator[Steps]:
    """Within it, steps on the device may be recorded; they draw from these generators and from torch's global one."""
    kind = recorder_for(device)
    if kind is None:
        yield Steps(None)
        return
    recorder = kind(device, generators)
    with recorder.stream():
        yield Steps(recorder)


def recorder_for(device: torch.device) -> Any:
    """Return what records steps on such a device; None where they always run as they are."""
    return CudaGraphs if device.type == "cuda" else None


class CudaGraphs:
    """Records steps as CUDA graphs, in a stream of its own.

    There they are tried out, too, which prepares what recording must not: the libraries' workspaces, the optimiser's
    state.
    """

    def __init__(self, device: torch.device, generators: Sequence[torch.Generator]) -> None:
        self._generators = (*generators, torch.cuda.default_generators[device.index])
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()  # graphs run one after another, so they may share their memory

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Do all work of this thread in the stream that steps are recorded in, after and before all other work."""
        device = self._stream.device
        self._stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(self._stream):
            yield
        torch.cuda.current_stream(device).wait_stream(self._stream)

    def try_out(self, run: Run) -> tuple[Figures, str]:
        """See `Recorder`."""
        before, mode = _host_random_state(), torch.cuda.get_sync_debug_mode()
        with HostWaits() as waits, warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")  # of waits within an operation, too
            try:
                figures = run()
            finally:
                torch.cuda.set_sync_debug_mode(mode)
        problems = [*waits.found]
        problems += ["an operation waits for the GPU" for each in told if "called a synchronizing" in str(each.message)]
        if _host_random_state() != before:
            problems.append("it draws random numbers on the host")
        return figures, problems[0] if problems else ""

    def record(self, run: Run) -> tuple[Figures, Callable[[], None]]:
        """See `Recorder`."""
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        before = [generator.clone_state() for generator in self._generators]
        try:
            # a thread that has nothing to do with training may use the GPU meanwhile
            with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                figures = run()
        except RuntimeError:
            for generator, state in zip(self._generators, before, strict=True):
                generator.graphsafe_set_state(state)  # it would go on recording
            with suppress(RuntimeError):
                graph.reset()
            self._leave_pool()
            raise
        return figures, graph.replay

    def _leave_pool(self) -> None:
        """Let the allocator go on as before a recording that failed; newer versions of torch do so in `reset`."""
        for name in ("_cuda_endAllocateToPool", "_cuda_endAllocateCurrentStreamToPool"):
            with suppress(AttributeError, RuntimeError):
                getattr(torch._C, name)(self._stream.device.index, self._pool)


def _host_random_state() -> tuple[object, ...]:
    """Return the states of the generators on the host, which a graph would not draw from again."""
    _, keys, position, *_ = np.random.get_state(legacy=True)
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), np.asarray(keys).tobytes(), position


class HostWaits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what no CUDA graph can hold: values that the host reads or writes, and shapes that depend on values.

    Attributes
    ----------
    found
        How often each was seen, in words, with the line that did it.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if what := _unrecordable(func, args, out):
            self.found[f"{what} at {_line()}"] += 1
        return out


def _unrecordable(func: Any, args: Sequence[Any], out: Any) -> str:
    name = str(func)
    if torch.Tag.data_dependent_output in func.tags:
        return "the host reads a value"
    if name.startswith(_INDEXING):
        masks = [each for each in args[1] if each is not None and each.dtype in (torch.bool, torch.uint8)]
        return "a shape depends on values" if masks else ""
    if torch.Tag.dynamic_output_shape in func.tags:
        return "a shape depends on values"
    tensors = [each for each in (*args, out) if isinstance(each, Tensor)]
    if name.startswith(("aten._to_copy", "aten.copy_")) and len({each.device for each in tensors}) > 1:
        return "values are copied between the host and the GPU"
    return ""


def _line() -> str:
    """Return the innermost line that is neither torch's nor of this module: ``trainers.data.device:44``."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] != "torch" and name != __name__:
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return "the backward pass"  # in a thread of torch's own
