"""The seam between a store and where it lies: the few operations that every root offers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeAlias

Data: TypeAlias = bytes | bytearray | memoryview


class ObjectInfo(NamedTuple):
    """An object as a listing tells of it.

    Attributes
    ----------
    path : str
    size : int
        In bytes.
    modified : float
        When it was written here, in seconds since 1970, by the medium's clock.
    version : str
        Another one after every write.
    """

    path: str
    size: int
    modified: float
    version: str


class IrregularPath(NamedTuple):
    """Something that a listing comes upon and passes over: neither a plain file nor a folder.

    Attributes
    ----------
    path : str
    what : str
        Such as "a symbolic link".
    """

    path: str
    what: str


class Backend(Protocol):
    """Objects by path, with forward slashes, below one folder or URL.

    A missing object is a FileNotFoundError; every other failure of the medium is a StoreError that names it. What is
    neither a plain file nor a folder is no object: listings pass it over, and anything else that comes upon it, on the
    way to an object or in its place, raises IrregularFile.
    """

    url: str
    """How the user would write this root."""

    locks_are_exclusive: bool
    """Whether a lock keeps drafts apart here, so that a successor may take one over."""

    def settle(self, there: bool) -> None:
        """Take note that there is a store, or none; StoreError where there was one and its file system has gone."""

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of an object from `start` up to `stop` or its end."""

    def stream(self, path: str) -> Iterator[Data]:
        """Yield an object's bytes in pieces of about a MiB; a piece is valid until the next one."""

    def drop_cached(self, path: str) -> None:
        """Have an object read from the medium next time, not from this machine's memory, where that can be done."""

    def size(self, path: str) -> int | None:
        """Return an object's size in bytes, or None where there is no such object."""

    def put(self, path: str, data: Data, *, durable: bool = False) -> None:
        """Write an object, replacing any: a reader sees the old bytes or the new, never a part.

        With `durable` this holds after a loss of power, too.
        """

    def write_stream(self, path: str, size: int, pieces: Iterator[Data]) -> None:
        """Write an object of `size` bytes safely, piece by piece, replacing any.

        A piece is valid until the next one. Where `pieces` raises, nothing has changed and its error is raised here.
        Whoever calls sees to it that they are `size` bytes together.
        """

    def copy(self, path: str, to: str) -> None:
        """Copy an object, replacing any, without its bytes passing here where the service can do that."""

    def put_if_absent(self, path: str, data: Data) -> bool:
        """Write an object safely and only where there is none; return whether this call made it.

        Where an answer is lost on the way, an object with the very bytes of `data` counts as made by this call.
        """

    def list_paths(self, prefix: str) -> Iterator[str]:
        """Yield the path of every object below a prefix, in no order."""

    def list_objects(self, prefix: str, irregular: list[IrregularPath] | None = None) -> Iterator[ObjectInfo]:
        """Yield every object below a prefix with its size and date, in no order; objects that go meanwhile may lack.

        What is no object is added to `irregular`.
        """

    def list_dir(self, prefix: str) -> list[str]:
        """Return the names of objects and folders directly below a prefix."""

    def folders(self, prefix: str) -> list[str]:
        """Return the names of folders directly below a prefix."""

    def delete(self, path: str) -> None:
        """Delete an object; one that is not there is no error."""

    def delete_all(self, prefix: str) -> None:
        """Delete every object below a prefix."""

    def drop_folder(self, prefix: str, lock: str) -> None:
        """Drop what remains of a folder without objects: its lock, which is held, and the folder itself."""

    def move_all(self, prefix: str, to: str) -> None:
        """Move the object at `prefix`, or else every object below it, to `to`; nothing there is no error."""

    def free(self) -> int | None:
        """Return how many bytes can still be written, or None where nobody knows."""

    def sync(self, paths: Iterable[str]) -> None:
        """Return when these objects and the folders above them would survive a loss of power."""

    def lock(self, path: str, what: str) -> AbstractContextManager[None]:
        """Hold `path` against every other process, or raise DraftLocked; `what` is for the message."""
