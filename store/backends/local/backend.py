"""A backend that is a folder: plain system calls, because only they offer fsync, hard links and locks.

An object is written to a temporary file beside its path and renamed. A create-only object is hard-linked to its path
once its bytes are durable; that fails where there is an object. So a process that is killed at any moment leaves
either the old object or the new one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from io import FileIO
from pathlib import Path

from store.backends.base import Data, IrregularPath, ObjectInfo
from store.backends.local.mounts import check_mounted, remember_mount, unmounted_error
from store.backends.local.os_errors import translated, translated_keep_missing
from store.backends.local.permissions import Permissions
from store.backends.local.plain_files import PlainTree, delete_file, delete_tree, is_plain, open_file, refuse_irregular
from store.backends.lock_owner import LockOwner
from store.errors import NotPermitted
from store.paths import FORMAT_PATH, temporary_name
from store.plain_file import describe_file_type

PIECE = 1 << 20

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LocalBackend:
    """A store in a folder of this machine or of a network share.

    Parameters
    ----------
    folder : Path
        It need not exist; the first write makes it. It may be a symbolic link; below it, no link is followed.
    """

    locks_are_exclusive = True
    read_only = False

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.abspath(folder)
        self.url = self._folder
        self._tree = PlainTree(self._folder)
        self._permissions = Permissions(self._folder, before_making=self._check_still_mounted)
        self._store_existed = False  # at the last `check_mounted`

    def check_mounted(self, store_exists: bool) -> None:
        if store_exists and not self._store_existed:
            remember_mount(self._folder)
        elif not store_exists and self._store_existed:
            if self.size(FORMAT_PATH) is None:
                raise unmounted_error(self._folder)
            return  # another thread has begun the store since the caller looked
        elif not store_exists:
            check_mounted(self._folder)
        self._store_existed = store_exists

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        with self._open(path) as file:
            if start:
                file.seek(start)
            if stop is None:
                return file.readall()
            return _read_exactly(file.fileno(), max(0, stop - start))

    def stream(self, path: str) -> Iterator[Data]:
        piece = bytearray(PIECE)
        view = memoryview(piece)
        with self._open(path) as file:
            while count := file.readinto(piece):
                yield view[:count]

    def drop_cached(self, path: str) -> None:
        with suppress(FileNotFoundError), self._open(path) as file:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def size(self, path: str) -> int | None:
        file = self._file(path)
        try:
            with translated_keep_missing("look at", file):
                state = os.lstat(file)
        except FileNotFoundError:
            return None
        if describe_file_type(state.st_mode):
            refuse_irregular(file)
        return state.st_size

    def put(self, path: str, data: Data, *, durable: bool = False) -> None:
        with self._temporary(path, [data], durable=durable) as temporary:
            _replace(temporary, self._file(path))

    def write_stream(self, path: str, size: int, pieces: Iterator[Data]) -> None:
        with self._temporary(path, pieces, durable=True) as temporary:
            _replace(temporary, self._file(path))

    def copy(self, path: str, to: str) -> None:
        """Hard-link the object where that is possible, which is safe since no file is ever written in place."""
        source, target = self._file(path), self._file(to)
        temporary = _temporary_beside(target)
        with translated_keep_missing("copy", source):
            refuse_irregular(source)
            self._permissions.make_folder(os.path.dirname(target))
            try:
                os.link(source, temporary)
                _replace(temporary, target)
            except OSError as error:
                if error.errno not in (*_NO_LINKS, errno.EXDEV):
                    raise
                self.write_stream(to, os.stat(source).st_size, self.stream(path))
            finally:
                # Renaming a link onto another link of the same file does nothing, so it is still there then.
                with suppress(FileNotFoundError):
                    os.unlink(temporary)

    def put_if_absent(self, path: str, data: Data) -> bool:
        with self._temporary(path, [data], durable=True) as temporary:
            created = _link(temporary, self._file(path))
        self.sync([path])
        return created

    def list_paths(self, prefix: str) -> Iterator[str]:
        with translated("list", self._url(prefix)):
            return iter([path for path, _ in self._tree.files(prefix)])

    def list_objects(self, prefix: str, irregular: list[IrregularPath] | None = None) -> Iterator[ObjectInfo]:
        with translated("list", self._url(prefix)):
            for path, entry in self._tree.files(prefix, irregular):
                with suppress(FileNotFoundError):  # a temporary file that was renamed meanwhile
                    state = entry.stat(follow_symlinks=False)
                    yield ObjectInfo(path, state.st_size, state.st_mtime, f"{state.st_ino}-{state.st_mtime_ns}")

    def list_dir(self, prefix: str) -> list[str]:
        with translated("list", self._url(prefix)):
            return [entry.name for entry in self._tree.entries(prefix) if is_plain(entry)]

    def list_folders(self, prefix: str) -> list[str]:
        with translated("list", self._url(prefix)):
            return [entry.name for entry in self._tree.entries(prefix) if entry.is_dir(follow_symlinks=False)]

    def delete(self, path: str) -> None:
        with suppress(FileNotFoundError), translated_keep_missing("delete", self._url(path)):
            delete_file(self._folder, path)

    def delete_all(self, prefix: str) -> None:
        with suppress(FileNotFoundError), translated_keep_missing("delete", self._url(prefix)):
            delete_tree(self._folder, prefix)

    def drop_folder(self, prefix: str, lock: str) -> None:
        self.delete(lock)
        with suppress(OSError):  # not empty: another process has begun to write there
            os.rmdir(self._file(prefix))

    def move_all(self, prefix: str, to: str) -> None:
        source, target = self._file(prefix), self._file(to)
        with suppress(FileNotFoundError), translated_keep_missing("move", source):
            refuse_irregular(source)
            self._permissions.make_folder(os.path.dirname(target))
            os.rename(source, target)
        for folder in {os.path.dirname(source), os.path.dirname(target)}:
            with suppress(FileNotFoundError), translated_keep_missing("make safe", folder):
                _fsync(folder)

    def free_bytes(self) -> int | None:
        import shutil  # slow to import

        folder = self._folder
        while not os.path.isdir(folder) and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        with translated("look at", folder):
            return shutil.disk_usage(folder).free

    def sync(self, paths: Iterable[str]) -> None:
        folders = set()
        for path in paths:
            with self._open(path, "make safe") as file:
                os.fsync(file.fileno())
            folder = self._file(path)
            while folder != self._folder:
                folders.add(folder := os.path.dirname(folder))
        for folder in sorted(folders, key=len, reverse=True):
            with translated("make safe", folder):
                _fsync(folder)
        with suppress(OSError):  # the folder above the store may be somebody else's
            _fsync(os.path.dirname(self._folder))

    def check_writable(self) -> bool:
        folder = self._folder
        while not os.path.lexists(folder) and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise NotPermitted(f"{folder}: this user may not write there")
        return True

    def lock_owner(self, path: str) -> LockOwner | None:
        from store.backends.local.file_lock import owner_of

        with translated("look at", self._url(path)):
            return owner_of(self._file(path))

    def lock(self, path: str, what: str) -> AbstractContextManager[None]:
        from store.backends.local.file_lock import locked

        file = self._file(path)
        folder = os.path.dirname(file)
        with translated("make", folder):
            self._permissions.make_folder(folder)
        return locked(file, what, self._permissions)

    def _url(self, path: str) -> str:
        return f"{self._folder}/{path}"

    def _file(self, path: str) -> str:
        """Return the file that holds an object; IrregularFile where a path above it is no folder."""
        file = self._url(path)
        self._tree.check_parents(file)
        return file

    @contextmanager
    def _open(self, path: str, action: str = "read") -> Iterator[FileIO]:
        file = self._file(path)
        with translated_keep_missing(action, file), open_file(file) as opened:
            yield opened

    def _check_still_mounted(self) -> None:
        """Refuse to make folders once the store itself is gone: they would fill an empty mount point."""
        if self._store_existed and not os.path.exists(self._file(FORMAT_PATH)):
            raise unmounted_error(self._folder)

    @contextmanager
    def _temporary(self, path: str, pieces: Iterable[Data], *, durable: bool) -> Iterator[str]:
        """Write a temporary file beside an object's path, and delete it after the block if it is still there."""
        file = self._file(path)
        temporary = _temporary_beside(file)
        with translated("write", file):
            try:
                with self._permissions.new_file(temporary) as opened:
                    for piece in pieces:
                        view = memoryview(piece).cast("B")
                        while view:  # one call may write less than everything
                            view = view[opened.write(view) :]
                    if durable:
                        os.fsync(opened.fileno())
                yield temporary
            finally:
                with suppress(OSError):
                    os.unlink(temporary)


def _temporary_beside(file: str) -> str:
    return f"{os.path.dirname(file)}/{temporary_name()}"


def _replace(temporary: str, target: str) -> None:
    refuse_irregular(target)
    os.replace(temporary, target)


def _read_exactly(descriptor: int, count: int) -> bytes:
    pieces: list[bytes] = []
    while count and (piece := os.read(descriptor, count)):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)  # does not copy a single piece


def _link(temporary: str, target: str) -> bool:
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A share without hard links: the draft's lock keeps other writers out between these two calls.
        if os.path.lexists(target):
            return False
        os.rename(temporary, target)
    return True


def _fsync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
