"""Remembering a run: written when it begins to do something, and when it ends.

A run of equal settings and equal keys is the same run: it goes on under its number.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline.plan.planner import Plan
from pipeline.plan.runs.record import (
    Ending,
    RunRecord,
    UnreadableRecord,
    asked_by,
    decode,
    digest_of_asked,
    encode,
    record_of,
)
from pipeline.plan.runs.slots import MOST_BYTES, Slot, delete_oldest, find_slot, group_of, next_number, slots_of
from store.errors import DraftLocked, NotPermitted, StoreError

_log = logging.getLogger(__name__)


class RunLog:
    """A run as it is remembered; see `pipeline.plan.runs.remembering`."""

    def __init__(self, plan: Plan, until: str) -> None:
        self._plan, self._until = plan, until
        self._asked = asked_by(plan)
        self._records = plan.store.runs(group_of(plan.path))
        self._slot: Slot | None = None  # once it is written
        self._record: RunRecord | None = None
        self._held = ExitStack()
        self._lock = ""  # that is held, of those of the run
        self._ended = False

    def begin(self, plan: Plan) -> None:
        """Remember that steps of this plan are done now; again where it was planned anew."""
        with self._trying():
            self._write(self._record_of(plan))

    def end(self, plan: Plan, ending: Ending, rows: list[dict[str, Any]]) -> None:
        """Remember how it ended, and its results."""
        with self._trying():
            self._end(msgspec.structs.replace(self._record_of(plan), rows=rows), ending)

    def break_off(self, ending: Ending) -> None:
        """Remember that it ended before its end, if it had begun."""
        with self._trying():
            if self._record and not self._ended:
                self._end(self._stored() or self._record, ending)

    def close(self) -> None:
        """Let go of what tells others that it goes on."""
        with suppress(StoreError):
            self._held.close()

    def _end(self, record: RunRecord, ending: Ending) -> None:
        """Write how this process ended; where another is at the same run, that it goes on: the last one says how."""
        if self._slot is None:
            self._write(msgspec.structs.replace(record, ending=ending, ended=_now()))
            return
        with self._records.lock_all():
            if not self._slot.is_held(self._records, but=self._lock):
                record = msgspec.structs.replace(record, ending=ending, ended=_now())
            self._write(record)
            self._held.close()
        self._ended = True

    def _stored(self) -> RunRecord | None:
        """Return the record as it is now: another process at the same run may have written its results."""
        with suppress(UnreadableRecord):
            content = self._records.read(self._slot.name) if self._slot else None
            return decode(content) if content is not None else None
        return None

    def _record_of(self, plan: Plan) -> RunRecord:
        began, name = (self._record.began, self._record.name) if self._record else (_now(), "")
        record = record_of(plan, self._asked, self._until, began)
        return msgspec.structs.replace(record, name=name)

    def _write(self, record: RunRecord) -> None:
        if len(encode(record)) > MOST_BYTES:
            _log.warning("note: this run is not remembered: it has too many steps (%d)", len(record.evaluations))
            return
        if self._slot is None:
            with self._records.lock_all():
                earlier = find_slot(self._records, self._asked, record.keys)
                slots = slots_of(self._records)
                number = next_number(self._plan.store, self._records, slots)
                self._slot = earlier[0] if earlier else Slot(number, digest_of_asked(self._asked))
                record = msgspec.structs.replace(record, name=earlier[1].name) if earlier else record
                if earlier and earlier[0].is_held(self._records):  # another process is at the same run
                    record = msgspec.structs.replace(record, began=earlier[1].began)
                self._hold(self._slot)
                self._records.write(self._slot.name, encode(record))
                delete_oldest(self._plan.store, self._records, self._slot, slots)
        else:
            self._records.write(self._slot.name, encode(record))
        self._record = record

    def _hold(self, slot: Slot) -> None:
        """Let others see that a process is at this run."""
        for name in slot.locks:
            with suppress(DraftLocked):  # by another process that does the same run
                self._held.enter_context(self._records.lock(name))
                self._lock = name
                return

    @contextmanager
    def _trying(self) -> Iterator[None]:
        """Let a run go on where the store takes no record of it."""
        try:
            yield
        except NotPermitted as error:
            _log.info("this run is not remembered: %s", error)
        except StoreError as error:
            _log.warning("note: this run is not remembered: %s", error)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
