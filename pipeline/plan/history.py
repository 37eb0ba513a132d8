"""What an experiment's last run used, kept in the store's ``refs/``: for explanations, estimates and cleaning."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from store import Store


class Past(msgspec.Struct, frozen=True):
    """A step as it was last done: its key, how long it took, and how much it left."""

    stage: str
    key: str
    seconds: float = 0.0
    bytes: int = 0


class _Reference(msgspec.Struct, frozen=True):
    stages_file: str
    steps: dict[str, Past] = {}


class History:
    """The steps of one stages file as they were last done, by step id."""

    def __init__(self, store: Store, name: str, stages_file: str, steps: dict[str, Past]) -> None:
        self.steps = steps
        self._store = store
        self._name = name
        self._stages_file = stages_file

    @classmethod
    def read(cls, store: Store, path: Path) -> History:
        """Read an experiment's history; an empty one where there is none or it cannot be read."""
        place = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]
        name = f"{path.stem}-{place}.json"
        content = store.read_ref(name)
        try:
            steps = msgspec.json.decode(content, type=_Reference).steps if content else {}
        except msgspec.DecodeError:
            steps = {}
        return cls(store, name, path.name, steps)

    def note(self, done: dict[str, Past]) -> None:
        """Remember steps that are there now; written only where something changed."""
        if any(self.steps.get(step) != past for step, past in done.items()):
            self.steps = {**self.steps, **done}
            reference = _Reference(self._stages_file, self.steps)
            self._store.write_ref(self._name, msgspec.json.encode(reference, order="sorted"))
