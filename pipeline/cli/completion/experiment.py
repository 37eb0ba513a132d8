"""What a stages file and its store know by name, found without a plan: nothing is hashed, run, fetched or written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.plan.history import History
from pipeline.plan.recordings.output_readers import index_rows
from pipeline.plan.runs.record import UnreadableRecord, decode_head
from pipeline.plan.runs.slots import group_of, slots_of
from pipeline.registry import STAGES
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.settings import parse_setting, with_settings
from store import Store

_MOST_INDEX_BYTES = 4_000_000  # some 20,000 recordings: more take longer than a key should
_SHOWN_OF_KEY = 12  # hex digits


@dataclass(frozen=True)
class Names:
    """The names of one experiment.

    Attributes
    ----------
    path, settings, url
        What the line says so far with ``-f``, ``--set`` and ``--store``.
    """

    path: Path
    settings: tuple[str, ...] = ()
    url: str | None = None

    @cached_property
    def document(self) -> Document:
        """The stages file with its settings; ConfigError where it is broken."""
        return with_settings(read_document(self.path), [parse_setting(text) for text in self.settings], "--set")

    @cached_property
    def store(self) -> Store | None:
        """The store, where it is a folder that is there: a bucket would be asked over the network."""
        place = self.url or self.document.values.get("store", ".store")
        store = None if "://" in place else Store.open(place, base=self.path.absolute().parent)
        return store if store is not None and store.exists() else None

    @cached_property
    def entries(self) -> list[str]:
        """The entries of the stages file."""
        stages = self.document.values.get("stages")
        return ["index", *(stages if isinstance(stages, Mapping) else ())]

    @cached_property
    def steps(self) -> list[str]:
        """The ids of steps that were done, of entries that the stages file has."""
        done = History.read(self.store, self.path).steps if self.store else {}
        return [id_ for id_ in done if id_.partition("[")[0] in self.entries]

    def runs(self) -> Iterator[tuple[str, str]]:
        """Yield numbers and names of the runs that are remembered, the newest first, each with what it was."""
        records = self.store.runs(group_of(self.path)) if self.store else None
        for slot in sorted(slots_of(records), reverse=True) if records else ():
            try:
                head = decode_head(records.read(slot.name) or b"") if records else None
            except UnreadableRecord:
                continue
            if head and head.name:
                yield head.name, f"run {slot.number}"
            yield str(slot.number), head.name if head else ""

    def keys(self, beginning: str) -> Iterator[tuple[str, str]]:
        """Yield the beginnings of keys of outputs, each with its stage."""
        for stage, key in self.store.outputs() if self.store else ():
            if key.startswith(beginning):
                yield key[: max(_SHOWN_OF_KEY, len(beginning))], stage

    def references(self) -> list[str]:
        """Return the names of the store's references."""
        return [name.removesuffix(".json") for name in self.store.ref_names("")] if self.store else []

    def recordings(self) -> list[str]:
        """Return the recordings of the index that was made last, where there is one and it is not large."""
        done = History.read(self.store, self.path).steps.get("index") if self.store else None
        index = self.store.output("index", done.key) if self.store and done else None
        if index is None or index.entries["recordings.jsonl"].size > _MOST_INDEX_BYTES:
            return []
        return [row.id for row in index_rows(index)]

    def stage_of(self, entry: str) -> str:
        """Return the stage of an entry, which is its name where it says none."""
        return str(self.body_of(entry).get("stage", entry))

    def body_of(self, entry: str) -> Mapping[str, Any]:
        """Return what the stages file says of an entry."""
        body = self.document.values["stages"].get(entry)
        return body if isinstance(body, Mapping) else {}


def stages() -> list[str]:
    """Return the stages that there are."""
    return list(STAGES)
