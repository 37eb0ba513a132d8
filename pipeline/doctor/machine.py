"""Cores and memory that this process may use: the machine's, and what a container leaves of them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.cores import allowed_cores, cores
from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.formatting import counted

TOPIC = "machine"
_LEAST = 2 << 30  # bytes


def find(root: Path = Path("/")) -> Iterator[Finding]:
    """Compare the machine, this process's share of it, and what the environment asks for."""
    allowed = allowed_cores()
    quota = cpu_limit(root)
    given = os.environ.get("OMP_NUM_THREADS", "")
    if quota is not None and quota < allowed:
        what = f"{counted(allowed, 'core')}, of which the container's limit leaves the time of {quota:g}"
        if given:
            yield ok(TOPIC, f"{what}; OMP_NUM_THREADS={given}")
        else:
            yield note(TOPIC, what, f"set OMP_NUM_THREADS={max(1, math.floor(quota))}, so that threads do not wait")
    else:
        yield ok(TOPIC, f"{counted(allowed, 'core')} for this process, of {os.cpu_count()}; {cores()} are used")
    if given and not (given.isdigit() and int(given)):
        yield problem(
            TOPIC, f"OMP_NUM_THREADS={given} is no number of threads", "set it to a whole number, or unset it"
        )
    elif given and int(given) > allowed:
        yield note(TOPIC, f"OMP_NUM_THREADS={given} is more than the cores", f"unset it, or set it to {allowed}")
    elif given and int(given) < (quota or allowed):
        yield note(TOPIC, f"OMP_NUM_THREADS={given} leaves cores idle", "unset it, unless others need them")
    yield from _memory(root)


def _memory(root: Path) -> Iterator[Finding]:
    total, free = _meminfo(root)
    limit = memory_limit(root)
    usable = min(each for each in (total, limit, math.inf) if each is not None)
    if math.isinf(usable):
        yield note(TOPIC, "how much memory there is, is unknown")
        return
    what = f"{usable / 2**30:.1f} GiB of memory for this process"
    if limit is not None and total is not None and limit < total:
        what += f" (the container's limit; the machine has {total / 2**30:.1f})"
    if free is not None:
        what += f", {min(free, usable) / 2**30:.1f} free"
    if usable < _LEAST:
        yield note(TOPIC, what, "give it 2 GiB at least, or run with --jobs 1")
    else:
        yield ok(TOPIC, what)


def _meminfo(root: Path) -> tuple[float | None, float | None]:
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None, None
    fields = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
    total, free = (float(fields[name][0]) * 1024 if fields.get(name) else None for name in ("MemTotal", "MemAvailable"))
    return total, free


def cpu_limit(root: Path) -> float | None:
    """Return of how many cores a container may use the time; None without a limit."""
    limits = []
    for folder in _cgroups(root, "cpu"):
        text = _read(folder / "cpu.max")
        quota, period = text.split() if len(text.split()) == 2 else (
            _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"),
        )  # fmt: skip
        if quota.isdigit() and period.isdigit() and int(period):
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def memory_limit(root: Path) -> float | None:
    """Return how many bytes a container may use; None without a limit."""
    texts = (
        _read(folder / name) for folder in _cgroups(root, "memory") for name in ("memory.max", "memory.limit_in_bytes")
    )
    return min((float(text) for text in texts if text.isdigit() and int(text) < 1 << 60), default=None)


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's control groups, and those above them: a limit of any of them holds."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / (controller if controllers else "")
        below = base / path.lstrip("/")
        yield from (folder for folder in (below, *below.parents) if folder.is_relative_to(base))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
