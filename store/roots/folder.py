"""A root that is a folder: plain system calls, because they alone give fsync, links and locks.

Objects are written beside their place and renamed. A create-only object is linked into place, which fails
where there is one, after its bytes are safe. So a process killed at any moment leaves the old or the new.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from io import FileIO
from pathlib import Path

from store.errors import StoreError, StoreFull
from store.paths import temporary_name
from store.roots.contract import Data

PIECE = 1 << 20

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class FolderRoot:
    """A store's root in a folder of this machine or a network share.

    Parameters
    ----------
    folder : Path
        It need not exist; the first write makes it.
    """

    resumable = True

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.abspath(folder)
        self.url = self._folder

    def path(self, path: str) -> str:
        """Return the file that holds an object."""
        return f"{self._folder}/{path}"

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        with _explained("read", self.path(path)), open(self.path(path), "rb", buffering=0) as file:
            if start:
                file.seek(start)
            if stop is None:
                return file.readall()
            return _read_exactly(file.fileno(), max(0, stop - start))

    def stream(self, path: str) -> Iterator[Data]:
        piece = bytearray(PIECE)
        view = memoryview(piece)
        with _explained("read", self.path(path)), open(self.path(path), "rb", buffering=0) as file:
            while got := file.readinto(piece):
                yield view[:got]

    def size(self, path: str) -> int | None:
        try:
            with _explained("look at", self.path(path)):
                return os.stat(self.path(path)).st_size
        except FileNotFoundError:
            return None

    def put(self, path: str, data: Data, *, safe: bool = False) -> None:
        with self._beside(path, data, safe=safe) as temporary:
            os.replace(temporary, self.path(path))

    def create(self, path: str, data: Data) -> bool:
        with self._beside(path, data, safe=True) as temporary:
            created = _link(temporary, self.path(path))
        self.sync([path])
        return created

    def walk(self, prefix: str) -> Iterator[str]:
        top = self.path(prefix)
        for folder, _, files in os.walk(top):
            relative = os.path.relpath(folder, self._folder).replace(os.sep, "/")
            yield from (f"{relative}/{name}" for name in files)

    def children(self, prefix: str) -> list[str]:
        try:
            with _explained("list", self.path(prefix)):
                return os.listdir(self.path(prefix))
        except FileNotFoundError:
            return []

    def delete(self, path: str) -> None:
        with _explained("delete", self.path(path)), suppress(FileNotFoundError):
            os.unlink(self.path(path))

    def delete_all(self, prefix: str) -> None:
        import shutil

        with _explained("delete", self.path(prefix)), suppress(FileNotFoundError):
            shutil.rmtree(self.path(prefix))

    def sync(self, paths: Iterable[str]) -> None:
        folders = set()
        for path in paths:
            with _explained("make safe", self.path(path)):
                _fsync(self.path(path))
            folder = self.path(path)
            while folder != self._folder:
                folder = os.path.dirname(folder)
                folders.add(folder)
        for folder in sorted(folders, key=len, reverse=True):
            with _explained("make safe", folder):
                _fsync(folder)
        with suppress(OSError):  # the folder above the store may be somebody else's
            _fsync(os.path.dirname(self._folder))

    def lock(self, path: str, what: str) -> AbstractContextManager[None]:
        from store.roots.locks import locked

        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        return locked(self.path(path), what)

    @contextmanager
    def _beside(self, path: str, data: Data, *, safe: bool) -> Iterator[str]:
        folder = os.path.dirname(self.path(path))
        temporary = f"{folder}/{temporary_name(os.urandom(8).hex())}"
        with _explained("write", self.path(path)):
            try:
                with _open_new(temporary) as file:
                    view = memoryview(data).cast("B")
                    while view:
                        view = view[file.write(view) :]
                    if safe:
                        os.fsync(file.fileno())
                yield temporary
            finally:
                with suppress(OSError):
                    os.unlink(temporary)


def _open_new(file: str) -> FileIO:
    try:
        return FileIO(file, "xb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        return FileIO(file, "xb")


def _read_exactly(descriptor: int, count: int) -> bytes:
    data = os.read(descriptor, count)
    if len(data) == count:
        return data
    pieces = [data]
    while pieces[-1]:
        pieces.append(os.read(descriptor, count - sum(map(len, pieces))))
    return b"".join(pieces)


def _link(temporary: str, target: str) -> bool:
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A share without hard links: the draft's lock keeps others from coming between these two lines.
        if os.path.exists(target):
            return False
        os.rename(temporary, target)
    return True


def _fsync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(action: str, path: str) -> Iterator[None]:
    """Turn the system's errors into the store's; a missing file stays a FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (IsADirectoryError, NotADirectoryError) as error:
        raise FileNotFoundError(error.errno, "is not a file", path) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in _FULL:
            raise StoreFull(
                f"cannot {action} {path}: {reason}. Free some space (or raise the quota) and run again: "
                "finished shards and checkpoints are kept"
            ) from error
        raise StoreError(
            f"cannot {action} {path}: {reason}. Check that the folder is mounted, healthy and yours to write"
        ) from error
