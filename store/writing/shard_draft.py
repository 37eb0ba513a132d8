"""What is needed of a draft to write a feature output, by its owner or by a worker that shares it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol


class ShardDraft(Protocol):
    """A draft as whoever writes shards sees it; `store.writing.writer` says what each member does."""

    stage: str
    key: str
    attempt: str

    @property
    def done(self) -> frozenset[str]: ...

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes: ...

    def write(self, path: str, data: bytes) -> None: ...

    def size(self, path: str) -> int | None: ...

    def delete(self, path: str) -> None: ...

    def paths(self) -> Iterator[str]: ...

    def scratch_read(self, name: str) -> bytes | None: ...

    def scratch_write(self, name: str, data: bytes) -> None: ...

    def journal(self, unit: str, paths: Sequence[str]) -> None: ...

    def restart(self) -> None:
        """Forget every unit; for the owner alone."""
        ...
