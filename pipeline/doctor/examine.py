"""Everything is looked at side by side, and none is waited for longer than its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from pipeline.doctor import codecs, disks, experiment, gpus, machine, program, remotes, unfinished
from pipeline.doctor.finding import Finding, note, of_error, problem
from pipeline.error_origin import describe_unforeseen
from pipeline.errors import PipelineError
from store.errors import StoreError

SECONDS = 4.5  # for all but remotes
REMOTE_SECONDS = 5.0


class Look(NamedTuple):
    """One thing to look at, and for how many seconds it is waited for."""

    topic: str
    find: Callable[[], Iterable[Finding]]
    seconds: float = SECONDS

    def late(self) -> Finding:
        """Say that it was not waited for any longer."""
        what = f"no answer within {self.seconds:g} s"
        if self.topic.startswith(remotes.TOPIC):
            return problem(self.topic, what, "check its name and the network; runs go on without it")
        repair = "a slow disk or share, or very many files: a run waits longer"
        return note(self.topic, f"{what}: the rest was not looked at", repair)


def examine(path: Path, settings: Sequence[tuple[str, Any]]) -> list[Finding]:
    """Look at this machine, and at the experiment of a stages file.

    Nothing is changed but for files of temporary names, which are removed again. What does not answer in time is told,
    and left.
    """
    named = experiment.read(path, settings)
    looks = [
        Look("program", program.find),
        Look("GPU", gpus.find),
        Look("video", codecs.find),
        Look("machine", machine.find),
        *(Look(place.topic, place.find) for place in disks.places(named)),
        Look("experiment", lambda: experiment.find(path, settings, named)),
        *([Look("store", lambda: unfinished.find(named.store, named.base))] if named.store else []),
        *(Look(remotes.topic(url), partial(remotes.find, url), REMOTE_SECONDS) for url in named.remotes),
    ]
    return list(_answers(looks))


def _answers(looks: Sequence[Look]) -> Iterator[Finding]:
    """Yield the findings of all, in their order."""
    started = time.monotonic()
    found: list[list[Finding]] = [[] for _ in looks]
    threads = [
        Thread(target=_collect, args=(look, findings), daemon=True) for look, findings in zip(looks, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    for look, findings, thread in zip(looks, found, threads, strict=True):
        thread.join(max(0.0, started + look.seconds - time.monotonic()))
        yield from [*findings]
        if thread.is_alive():
            yield look.late()


def _collect(look: Look, findings: list[Finding]) -> None:
    try:
        for each in look.find():
            findings.append(each)
    except (PipelineError, StoreError) as error:
        findings.append(of_error(look.topic, error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        findings.append(
            problem(look.topic, f"{place}{error.strerror or error}", "check that place and its permissions")
        )
    except Exception as error:
        first, _, rest = describe_unforeseen(error).partition("\n")
        findings.append(problem(look.topic, first, " ".join(rest.split())))
