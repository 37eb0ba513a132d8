"""The runs of one stages file that are remembered: found by number or name, kept, dropped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipeline.errors import ConfigError
from pipeline.plan.history import History
from pipeline.plan.runs.record import RunRecord, UnreadableRecord, decode, encode
from pipeline.plan.runs.slots import Slot, group_of, slots_of
from pipeline.stagesfile.schema import did_you_mean
from store import OutputName, Store, StoreChain, encode_ref

_NAME = re.compile(r"[A-Za-z][\w.+-]{0,39}")


@dataclass(frozen=True)
class Run:
    """A run that is remembered."""

    slot: Slot
    record: RunRecord
    kept: bool  # what it needs is named in a reference of its own
    goes_on: bool  # a process is at it now

    @property
    def number(self) -> int:
        """Return its number."""
        return self.slot.number

    @property
    def title(self) -> str:
        """Return its name, or else its number."""
        return self.record.name or str(self.number)

    def missing(self, there: Collection[OutputName]) -> set[OutputName]:
        """Return what it needs of that which is not there."""
        return self.record.output_names - set(there)

    def state(self, there: Collection[OutputName]) -> str:
        """Say how it stands: running, done (until ENTRY), partly gone, failed, stopped."""
        if self.goes_on:
            return "running"
        if not self.missing(there):
            return "done"
        if self.record.ending == "done":
            return f"done until {self.record.until}" if self.record.until else "partly gone"
        return "failed" if self.record.ending == "failed" else "stopped"


class Runs:
    """The runs of a stages file that a store remembers, newest first.

    Attributes
    ----------
    unreadable : dict of Slot to UnreadableRecord
        Of records that cannot be read, which stay as they are.
    """

    def __init__(self, store: Store, path: Path) -> None:
        self._store, self._path, self._group = store, path.absolute(), group_of(path)
        self._records = store.runs(self._group)
        self.unreadable: dict[Slot, UnreadableRecord] = {}
        self.listed: list[Run] = []
        kept = {*store.ref_names(f"{self._group}.")}
        for slot in sorted(slots_of(self._records), reverse=True):
            try:
                record, goes_on = self._read(slot), False
                if record is not None and record.ending == "begun":
                    goes_on = slot.is_held(self._records)
                    record = record if goes_on else self._read(slot)  # it may have ended between the two
            except UnreadableRecord as error:
                self.unreadable[slot] = error
                continue
            if record is not None:  # else it was dropped meanwhile
                self.listed.append(Run(slot, record, self._reference(slot) in kept, goes_on))

    def _read(self, slot: Slot) -> RunRecord | None:
        content = self._records.read(slot.name)
        return decode(content) if content is not None else None

    def find(self, text: str) -> Run:
        """Return the run of a number or a name; ConfigError where there is none."""
        for run in self.listed:
            if text and text in (str(run.number), run.record.name):  # most have no name
                return run
        for slot, why in self.unreadable.items():
            if text == str(slot.number):
                raise ConfigError(f"RUN {text}: {self._records.url}/{slot.name} {why}\n  it is left as it is")
        known = did_you_mean(text, [run.title for run in self.listed]) if self.listed else "none yet"
        missing = f"RUN {text or repr(text)}: no such run of {self._path.name}"
        raise ConfigError(f"{missing}\n  {known}; `pipeline runs` lists them")

    def keep(self, run: Run, name: str) -> None:
        """Name what a run needs in a reference of its own, so that cleaning keeps it, and give the run a name."""
        _check_ended(run)
        if name:
            if not _NAME.fullmatch(name):
                remedy = "begin with a letter, then letters, digits, `_`, `.`, `+` and `-`, at most 40"
                raise ConfigError(f"NAME {name}: cannot name a run\n  {remedy}")
            if other := next((each for each in self.listed if each.record.name == name and each != run), None):
                raise ConfigError(f"NAME {name}: run {other.number} has that name\n  take another")
        record = run.record
        steps = {id_: (stage, key) for stage, by_id in record.outputs.items() for id_, key in by_id.items()}
        reference = {
            "stages_file": self._path.name,
            "user": record.user,
            "host": record.host,
            "path": f"{self._path} (run {run.number})",  # not the stages file's own, which it must not be taken for
            "written": record.ended or record.began,
            "steps": {id_: {"stage": stage, "key": key} for id_, (stage, key) in steps.items()},
        }
        with self._store.lock_ref(self._reference(run.slot)):
            self._store.write_ref(self._reference(run.slot), encode_ref(reference))
        if name and name != record.name:
            with self._records.lock_all():
                self._records.write(run.slot.name, encode(msgspec.structs.replace(record, name=name)))

    def drop(self, run: Run) -> set[OutputName]:
        """Forget a run; return the outputs that nothing else needs: no run that is remembered, no step of the file."""
        _check_ended(run)
        others = (other.record.output_names for other in self.listed if other != run)
        alone = run.record.output_names.difference(*others)
        history = History.read(self._store, self._path)
        history.release(alone)
        self._store.delete_ref(self._reference(run.slot))
        with self._records.lock_all():
            self._records.delete(run.slot.name)
        return alone - history.pinned_outputs()

    def drop_unreadable(self, text: str) -> bool:
        """Delete a damaged record of this number; return whether there is one. A newer version's stays."""
        slot = next((slot for slot in self.unreadable if str(slot.number) == text), None)
        if slot is None or not self.unreadable[slot].damaged:
            return False
        self._store.delete_ref(self._reference(slot))
        with self._records.lock_all():
            self._records.delete(slot.name)
        return True

    def unreadable_lines(self) -> list[str]:
        """Say of each record that cannot be read why, and what can be done."""
        return [
            f"run {slot.number} is not shown: {self._records.url}/{slot.name} {why}. It is left as it is"
            + (f"; `pipeline runs drop {slot.number}` deletes it" if why.damaged else "")
            for slot, why in self.unreadable.items()
        ]

    def _reference(self, slot: Slot) -> str:
        return f"{self._group}.{slot.number}.json"


def _check_ended(run: Run) -> None:
    if run.goes_on:
        raise ConfigError(f"RUN {run.title}: goes on, and writes its record at its end\n  stop it first, or wait")


def present(chain: StoreChain, runs: Iterable[Run]) -> set[OutputName]:
    """Return which outputs of runs are in the store, or in a remote."""
    names = {name for run in runs for name in run.record.output_names}
    here = {name for name in names if chain.local.has(*name)}
    return here | chain.locate(sorted(names - here)).keys()
