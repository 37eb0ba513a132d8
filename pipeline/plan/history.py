"""What an experiment uses, kept in the store's ``refs/``: for explanations, estimates and cleaning."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from store import Store, encode_ref, parse_ref
from store.errors import NotPermitted

if TYPE_CHECKING:
    from pipeline.plan.steps.step import Step
    from store import OutputName

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._=+-]+")  # what cannot stand in a reference's name
_PIN_LIFETIME = timedelta(days=60)  # of what a run meant to use and never did, and of what others took the place of


class StepRecord(msgspec.Struct, frozen=True):
    """A step as it was last done: its key, how long it took, and how much it left."""

    stage: str
    key: str
    seconds: float = 0.0
    bytes: int = 0


class PendingUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """An output that a run means to read or to make, or that was a step's until lately, and since when.

    Attributes
    ----------
    step, trial
        Of the output that a step has in a trial: the step's id, and what stands for the trial's settings.
    seconds, bytes
        Of the same: how long it took, and how much it left.
    """

    stage: str
    key: str
    since: str
    step: str = ""
    trial: str = ""
    seconds: float = 0.0
    bytes: int = 0


class Reference(msgspec.Struct, frozen=True):
    """What a reference holds; to cleaning, each object in it that has a stage and a key names an output."""

    stages_file: str
    steps: dict[str, StepRecord] = {}
    uses: tuple[PendingUse, ...] = ()
    # Who wrote it last, from which stages file, and when; empty in references of earlier versions.
    user: str = ""
    host: str = ""
    path: str = ""
    written: str = ""


class History:
    """The steps of one stages file as they were last done, by step id.

    Several runs of one stages file may write it at a time, and each only adds what it knows. An output that is a step's
    no longer (its code, data or parameters changed) stays named for 60 days: who switches back finds it.
    """

    def __init__(self, store: Store, name: str, whose: Reference, *, trial: str = "") -> None:
        self.name = name  # that of the reference
        # What stands for the settings of a run with others than the stages file's. It takes no step's place: what it
        # makes is named for 60 days, and later runs of either explain what changed since their own.
        self.trial = trial
        # Why this user cannot write it, so that what the steps use is not named, and cleaning may free it. Empty where
        # that was not tried, or went well.
        self.write_error = ""
        self._store = store
        self._whose = whose
        self._hold(whose)

    @classmethod
    def read(cls, store: Store, path: Path, *, trial: str = "") -> History:
        """Read an experiment's history; an empty one where there is none or it cannot be read."""
        path = path.absolute()
        host = os.uname().nodename
        name = reference_name(path, f"{user_name()}@{host}:")  # two machines may have equal paths
        history = cls(store, name, Reference(path.name, user=user_name(), host=host, path=str(path)), trial=trial)
        history._read()
        return history

    def pin(self, outputs: Iterable[OutputName]) -> bool:
        """Name outputs before they are read or made, so that cleaning beside this run keeps them.

        Written only where one of them is not named yet; returns whether it was. Look for outputs after this, not
        before: what is there then, stays.
        """
        wanted = dict.fromkeys(outputs)

        def make() -> tuple[dict[str, StepRecord], Iterable[PendingUse]]:
            now = _ago()
            known = (msgspec.structs.replace(use, since=now) if _output(use) in wanted else use for use in self._uses)
            return self._own, [*known, *(PendingUse(*output, now) for output in wanted)]

        return self._change(lambda: not wanted.keys() <= self._recently_pinned(), make)

    def record(self, done: Mapping[str, StepRecord]) -> None:
        """Remember steps that are there now; written only where something changed."""
        if self.trial:
            self._record_trial(done)
            return

        def make() -> tuple[dict[str, StepRecord], Iterable[PendingUse]]:
            former = [_output(self._own[step]) for step, past in done.items() if self._replaces(step, past)]
            return {**self._own, **done}, [*self._uses, *(PendingUse(*name, _ago()) for name in former)]

        self._change(lambda: any(self._own.get(step) != past for step, past in done.items()), make)

    def _record_trial(self, done: Mapping[str, StepRecord]) -> None:
        """Name what steps have in this trial beside what they have in the stages file."""

        def make() -> tuple[dict[str, StepRecord], Iterable[PendingUse]]:
            former = (
                PendingUse(*_output(use), use.since) if use.trial == self.trial and use.step in done else use
                for use in self._uses
            )
            now = _ago()
            tried = (
                PendingUse(*_output(past), now, step, self.trial, past.seconds, past.bytes)
                for step, past in done.items()
            )
            return self._own, [*former, *tried]

        self._change(lambda: any(self.steps.get(step) != past for step, past in done.items()), make)

    def release(self, outputs: Collection[OutputName]) -> None:
        """Name outputs no longer that nothing but a dropped run needs; those that the stages file's steps have stay."""

        def make() -> tuple[dict[str, StepRecord], Iterable[PendingUse]]:
            return self._own, [use for use in self._uses if _output(use) not in outputs]

        self._change(lambda: not self.pinned_outputs().isdisjoint(outputs), make)

    def unrecorded_steps(self, steps: Iterable[Step], states: Mapping[str, str]) -> dict[str, StepRecord]:
        """Return the cached steps that this experiment never did itself, as it would remember them."""
        return {
            step.id: StepRecord(step.stage, step.key)
            for step in steps
            if states[step.id] == "cached" and (step.id not in self.steps or self.steps[step.id].key != step.key)
        }

    def in_store(self, other: Store) -> History:
        """Return this experiment's history in another store, such as a remote that its outputs are pushed to."""
        history = History(other, self.name, msgspec.structs.replace(self._whose, steps={}, uses=()), trial=self.trial)
        history._read()
        return history

    def others(self) -> list[History]:
        """Return the other experiments of this store; what is no reference of ours, or damaged, is left out."""
        references = {name: _decode(content) for name, content in self._store.refs().items() if name != self.name}
        return [History(self._store, name, reference) for name, reference in references.items() if reference]

    def former_outputs(self, stage: str) -> list[OutputName]:
        """Return a stage's outputs that this experiment had or meant to use lately, and that no step has now."""
        return list(dict.fromkeys(_output(use) for use in reversed(self._uses) if use.stage == stage))

    def pinned_outputs(self) -> set[OutputName]:
        """Return the outputs that this experiment's reference names."""
        return _outputs(self._own.values()) | _outputs(self._uses)

    @property
    def _own(self) -> dict[str, StepRecord]:
        """Return the steps of the stages file itself."""
        return self._reference.steps

    @property
    def _uses(self) -> tuple[PendingUse, ...]:
        return self._reference.uses

    def _replaces(self, step: str, past: StepRecord) -> bool:
        """Tell whether a step of the stages file has another output here than this one."""
        return step in self._own and _output(self._own[step]) != _output(past)

    def _recently_pinned(self) -> set[OutputName]:
        """Return the outputs that this experiment's reference names, but for those that it forgets soon."""
        soon_forgotten = _ago(_PIN_LIFETIME / 2)
        lately = (use for use in self._uses if use.since >= soon_forgotten)
        return _outputs(self._own.values()) | _outputs(lately)

    def _hold(self, reference: Reference) -> None:
        """Go on from a reference."""
        self._reference = reference
        # The steps by id: in a trial as it left them, and those that it never did as the stages file did.
        self.steps = reference.steps
        if self.trial:
            tried = {
                use.step: StepRecord(*_output(use), use.seconds, use.bytes)
                for use in reference.uses
                if use.trial == self.trial
            }
            self.steps = reference.steps | tried

    def _read(self) -> None:
        """Read what stands in the store, which another run may have written.

        Where there is nothing yet, begin with what an earlier version wrote, or this user when this machine, or the
        container, was called otherwise.
        """
        whose = self._whose
        for name in (self.name, reference_name(Path(whose.path))) if whose.path else (self.name,):
            content = self._store.read_ref(name)
            if content and (reference := _decode(content)):
                self._hold(reference)
                return
        contents = self._store.refs(self.name.rpartition("-")[0]).values()
        others = [reference for content in contents if (reference := _decode(content))]
        mine = [each for each in others if (each.path, each.user) == (whose.path, whose.user)]
        self._hold(max(mine, key=lambda each: each.written, default=self._reference))

    def _change(
        self, wanted: Callable[[], bool], make: Callable[[], tuple[dict[str, StepRecord], Iterable[PendingUse]]]
    ) -> bool:
        """Write the reference anew where that is wanted; return whether it was written."""
        if not wanted():
            return False
        try:
            with self._store.lock_ref(self.name):
                self._read()
                self._write(*make())
        except NotPermitted as error:
            self.write_error = str(error)
            return False
        return True

    def _write(self, steps: dict[str, StepRecord], uses: Iterable[PendingUse]) -> None:
        done = _outputs(steps.values())
        oldest = _ago(_PIN_LIFETIME)
        recent = [use for use in uses if _output(use) not in done and use.since >= oldest]
        tried = {_output(use) for use in recent if use.trial}
        pending = {
            (*_output(use), use.trial, use.step): use for use in recent if use.trial or _output(use) not in tried
        }
        self._hold(msgspec.structs.replace(self._whose, steps=steps, uses=tuple(pending.values()), written=_ago()))
        self._store.write_ref(self.name, encode_ref(msgspec.to_builtins(self._reference)))


def _output(each: StepRecord | PendingUse) -> OutputName:
    return each.stage, each.key


def _outputs(records: Iterable[StepRecord | PendingUse]) -> set[OutputName]:
    return {_output(each) for each in records}


def _decode(content: bytes) -> Reference | None:
    try:
        return msgspec.convert(parse_ref(content), Reference)
    except (ValueError, RecursionError):
        return None


def reference_name(path: Path, whose: str = "") -> str:
    """Name the reference of a stages file, or what else is kept of it, by its name and a digest of where it lies."""
    place = hashlib.sha256(whose.encode() + os.fsencode(path.absolute())).hexdigest()[:12]
    return f"{_NOT_IN_NAMES.sub('-', path.stem).lstrip('._=+-')[:100] or 'stages'}-{place}.json"


def user_name() -> str:
    """Return who runs this, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return str(os.getuid())


def _ago(past: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) - past).isoformat(timespec="seconds")
