"""Homes: folders with an experiment, the program that runs there, and its end by SIGKILL at a drawn moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from .places import Place

REPOSITORY = Path(__file__).resolve().parents[2]
RUN = ("run", "--jobs", "1")
LONGEST_S = 180.0


@dataclass(frozen=True)
class Ended:
    """A command that ended; code None: it was killed."""

    code: int | None
    out: str
    err: str


class Running:
    """A command that runs; its output goes to files, which no full pipe can stop."""

    def __init__(
        self,
        command: list[str],
        folder: Path,
        environment: Mapping[str, str],
        number: int,
        user: tuple[int, int] | None = None,
    ) -> None:
        who = {"user": user[0], "group": user[1], "extra_groups": [], "umask": 0o022} if user else {}
        self._out, self._err = (folder / f"{number}.{name}" for name in ("out", "err"))
        with open(self._out, "wb") as out, open(self._err, "wb") as err:
            self._process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=out, stderr=err, start_new_session=True, **who
            )
        self._what = " ".join(command[2:])

    def kill_after(self, seconds: float, begun: Callable[[], bool] | None = None) -> Ended:
        """Kill it and its workers so long after its start, or after it began to write; or see that it has ended."""
        while begun and not self.ended and not begun():
            time.sleep(0.003)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            return self._ended(self._process.returncode)
        _signal([self._process.pid], signal.SIGSTOP)  # so that it starts no worker between look and kill
        _signal([self._process.pid, *_children(self._process.pid)], signal.SIGKILL)
        self._process.wait()
        return self._ended(None)

    def pause(self, seconds: float, begun: Callable[[], bool]) -> None:
        """Let it and its workers sleep for a time once it has begun to write."""
        while not self.ended and not begun():
            time.sleep(0.003)
        _signal([self._process.pid], signal.SIGSTOP)  # so that it starts no worker between look and sleep
        all_of_it = [self._process.pid, *_children(self._process.pid)]
        _signal(all_of_it, signal.SIGSTOP)
        time.sleep(seconds)
        _signal(all_of_it, signal.SIGCONT)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> Ended:
        """Wait for its end."""
        try:
            return self._ended(self._process.wait(LONGEST_S))
        except subprocess.TimeoutExpired:
            self.kill_after(0)
            raise AssertionError(
                f"{self._what} did not end within {LONGEST_S:.0f} s:\n{self._err.read_text()}"
            ) from None

    def _ended(self, code: int | None) -> Ended:
        ended = Ended(code, self._out.read_text(), self._err.read_text())
        for sign in ("Traceback", "defect of harvest", "Exception ignored", "test-secret"):
            assert sign not in ended.err, f"{self._what} ended with {code} and said:\n{ended.err}"
        return ended


@dataclass
class Home:
    """A folder with a stages file, whose store and remotes lie anywhere."""

    folder: Path
    values: dict[str, Any]
    environment: dict[str, str]
    user: tuple[int, int] | None = None  # and group, by number
    python: str = sys.executable
    _count: Any = field(default_factory=count)

    @property
    def store(self) -> Place:
        url = str(self.values["store"])
        return Place(url if "://" in url else str(self.folder / url))

    @property
    def remotes(self) -> list[Place]:
        return [Place(url) for url in self.values["remote"]]

    def names(self) -> list[set[str]]:
        """List what its store and remotes hold."""
        return [place.names() for place in (self.store, *self.remotes)]

    def start(self, *arguments: str, through: Collection[str] = (), **environment: str) -> Running:
        """Start ``pipeline ...``, through another program if need be."""
        command = [*through, self.python, "-m", "pipeline", *arguments]
        variables = {**os.environ, **self.environment, **environment}
        return Running(command, self.folder, variables, next(self._count), self.user)

    def command(self, *arguments: str, **environment: str) -> Ended:
        """Run ``pipeline ...`` undisturbed; it must complete."""
        ended = self.start(*arguments, **environment).end()
        assert ended.code == 0, f"{' '.join(arguments)} ended with {ended.code}, undisturbed:\n{ended.out}\n{ended.err}"
        return ended


def _signal(processes: list[int], sign: signal.Signals) -> None:
    for each in processes:
        with suppress(ProcessLookupError):
            os.kill(each, sign)


def _children(parent: int) -> list[int]:
    """Return the processes that a process has started, workers with sessions of their own among them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
    return found


@dataclass(frozen=True)
class Pace:
    """How long an undisturbed command takes, and for how long of it it writes to a store, in seconds."""

    lasts: float
    writes: float


def pace(home: Home, *arguments: str) -> Pace:
    """Measure an undisturbed command."""
    began, seen = time.monotonic(), list[float]()
    running = home.start(*arguments)
    before = names = home.names()
    while not running.ended:
        if (names := home.names()) != before:
            seen.append(time.monotonic())
        before = names
        time.sleep(0.01)
    assert running.end().code == 0
    return Pace(time.monotonic() - began, seen[-1] - seen[0] + 0.02 if seen else 0.0)


def kill(home: Home, command: tuple[str, ...], paced: Pace, dice: Random) -> Ended:
    """Start a command and kill it: every other time while it writes, else at any time after Python's own start."""
    before = home.names()
    running = home.start(*command)
    if dice.random() < 0.5:
        return running.kill_after(dice.uniform(0, paced.writes), lambda: home.names() != before)
    return running.kill_after(dice.uniform(0.25, 1) * paced.lasts)
