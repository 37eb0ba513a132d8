"""What an experiment uses, kept in the store's ``refs/``: for explanations, estimates and cleaning."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from store import Store
from store.refs import encode_ref, parse_ref

_UNUSUAL = re.compile(r"[^A-Za-z0-9._=+-]+")  # what cannot stand in a reference's name
_FORGOTTEN_AFTER = timedelta(days=60)  # of what a run meant to use and never did


class Past(msgspec.Struct, frozen=True):
    """A step as it was last done: its key, how long it took, and how much it left."""

    stage: str
    key: str
    seconds: float = 0.0
    bytes: int = 0


class Use(msgspec.Struct, frozen=True):
    """An output that a run means to read or to make, and when the run said so."""

    stage: str
    key: str
    since: str


class Reference(msgspec.Struct, frozen=True):
    """What a reference holds; to cleaning, each object in it that has a stage and a key names an output.

    Attributes
    ----------
    user, host, path, written
        Who wrote it last, from which stages file, and when; empty in references of earlier versions.
    """

    stages_file: str
    steps: dict[str, Past] = {}
    uses: tuple[Use, ...] = ()
    user: str = ""
    host: str = ""
    path: str = ""
    written: str = ""


class History:
    """The steps of one stages file as they were last done, by step id.

    Several runs of one stages file may write it at a time, and each only adds what it knows.
    """

    def __init__(self, store: Store, path: Path, reference: Reference) -> None:
        self._store = store
        self._path = path.absolute()
        self._reference = reference

    @property
    def steps(self) -> dict[str, Past]:
        """Return the steps by id."""
        return self._reference.steps

    @property
    def name(self) -> str:
        """Return the name of this experiment's reference: two machines may have equal paths."""
        return _name(self._path, f"{_user()}@{os.uname().nodename}:")

    @classmethod
    def read(cls, store: Store, path: Path) -> History:
        """Read an experiment's history; an empty one where there is none or it cannot be read."""
        history = cls(store, path, Reference(path.name))
        history._read()
        return history

    def use(self, outputs: Iterable[tuple[str, str]]) -> bool:
        """Name outputs (stage and key) before they are read or made, so that cleaning beside this run keeps them.

        Written only where one of them is not named yet; returns whether it was. Look for outputs after this, not
        before: what is there then, stays.
        """
        wanted = dict.fromkeys(outputs)
        soon_forgotten = _ago(_FORGOTTEN_AFTER / 2)
        named = {(use.stage, use.key) for use in self._reference.uses if use.since >= soon_forgotten}
        if wanted.keys() <= named | {(past.stage, past.key) for past in self.steps.values()}:
            return False
        self._read()
        self._write(self.steps, [*self._reference.uses, *(Use(*output, _ago()) for output in wanted)])
        return True

    def note(self, done: dict[str, Past]) -> None:
        """Remember steps that are there now; written only where something changed."""
        if any(self.steps.get(step) != past for step, past in done.items()):
            self._read()
            self._write({**self.steps, **done}, self._reference.uses)

    def note_in(self, other: Store, outputs: Iterable[tuple[str, str]]) -> None:
        """Name outputs in another store, such as a remote that they are pushed to: cleaning there keeps them."""
        wanted = set(outputs)
        there = History.read(other, self._path)
        there.note({id_: past for id_, past in self.steps.items() if (past.stage, past.key) in wanted})
        there.use(sorted(wanted))

    def _read(self) -> None:
        """Read what stands in the store, which another run may have written.

        Where there is nothing yet, begin with what an earlier version wrote, or this user when this machine, or the
        container, was called otherwise.
        """
        for name in (self.name, _name(self._path)):
            content = self._store.read_ref(name)
            if content and (found := _decode(content)):
                self._reference = found
                return
        contents = self._store.refs(self.name.rpartition("-")[0]).values()
        others = [found for content in contents if (found := _decode(content))]
        mine = [each for each in others if (each.path, each.user) == (str(self._path), _user())]
        self._reference = max(mine, key=lambda each: each.written, default=self._reference)

    def _write(self, steps: dict[str, Past], uses: Iterable[Use]) -> None:
        done = {(past.stage, past.key) for past in steps.values()}
        eldest = _ago(_FORGOTTEN_AFTER)
        pending = {(u.stage, u.key): u for u in uses if (u.stage, u.key) not in done and u.since >= eldest}
        self._reference = Reference(
            stages_file=self._path.name,
            steps=steps,
            uses=tuple(pending.values()),
            user=_user(),
            host=os.uname().nodename,
            path=str(self._path),
            written=_ago(),
        )
        self._store.write_ref(self.name, encode_ref(msgspec.to_builtins(self._reference)))


def _decode(content: bytes) -> Reference | None:
    try:
        return msgspec.convert(parse_ref(content), Reference)
    except (ValueError, RecursionError):
        return None


def _name(path: Path, whose: str = "") -> str:
    place = hashlib.sha256(whose.encode() + os.fsencode(path.absolute())).hexdigest()[:12]
    return f"{_UNUSUAL.sub('-', path.stem).lstrip('._=+-')[:100] or 'stages'}-{place}.json"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return str(os.getuid())


def _ago(past: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) - past).isoformat(timespec="seconds")
