"""Costs of exported models as this machine keeps them: a file for each model and each processor and ONNX Runtime."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from pipeline.keys.cache import cache_folder, read_cache, write_cache

THREADS = 1
_BUSY = 0.1  # share of the time of calls that other work may take


class Machine(msgspec.Struct, frozen=True):
    """On what was measured."""

    cpu: str
    onnxruntime: str
    threads: int = THREADS

    def __str__(self) -> str:
        return f"{self.cpu}, {'one thread' if self.threads == 1 else self.threads}, ONNX Runtime {self.onnxruntime}"


class FileCost(msgspec.Struct, frozen=True):
    """What an exported file costs: its bytes, percentiles of a call with one recording, and memory.

    Attributes
    ----------
    calls, recordings
        How many calls were timed, with how many different recordings.
    peak_bytes
        By how much the peak of a process's memory rose from before the model was opened.
    waited
        Share of the time of calls in which the process did not run, for other work was done beside.
    """

    bytes: int
    p50_ms: float
    p99_ms: float
    peak_bytes: int
    calls: int
    recordings: int
    waited: float


class ModelCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a trained model costs.

    Attributes
    ----------
    exporter
        Digest of the code that exported and measured it.
    parameters, multiply_adds
        Of the network, for one recording.
    int8_points
        Points of top-1 that int8 costs on the recordings that are tested.
    """

    exporter: str
    machine: Machine
    parameters: int
    multiply_adds: int
    fp32: FileCost
    int8: FileCost
    int8_points: float

    @property
    def disturbed(self) -> bool:
        """Tell whether other work took so much of the processor that times are too long."""
        return max(self.fp32.waited, self.int8.waited) > _BUSY


@cache
def this_machine() -> Machine | None:
    """Return the processor and ONNX Runtime that measure here; None where that is not installed."""
    try:
        return Machine(_processor(), version("onnxruntime"))
    except PackageNotFoundError:
        return None


def export_folder(key: str) -> Path:
    """Return where a trained model's exported files and their costs lie."""
    return cache_folder() / "exports" / key


def kept_cost(key: str) -> ModelCost | None:
    """Return what a trained model costs on this machine; None where that was not measured."""
    machine = this_machine()
    content = read_cache(cost_file(key, machine)) if machine else None
    try:
        return None if content is None else msgspec.json.decode(content, type=ModelCost)
    except msgspec.ValidationError:  # of another version
        return None


def keep_cost(key: str, cost: ModelCost) -> None:
    """Keep what a trained model costs on this machine."""
    write_cache(cost_file(key, cost.machine), msgspec.json.encode(cost))


def cost_file(key: str, machine: Machine) -> Path:
    """Return the file of what a trained model costs on a machine."""
    return export_folder(key) / f"cost-{hashlib.sha256(str(machine).encode()).hexdigest()[:12]}.json"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
