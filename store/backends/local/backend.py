"""A root that is a folder: plain system calls, because they alone give fsync, links and locks.

Objects are written beside their place and renamed. A create-only object is linked into place, which fails
where there is one, after its bytes are safe. So a process killed at any moment leaves the old or the new.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from store.backends.base import Data, IrregularPath, ObjectInfo
from store.backends.local.mounts import check_mounted, is_unmounted, remember_mount
from store.backends.local.os_errors import translated, translated_keep_missing
from store.backends.local.permissions import Permissions
from store.backends.local.plain_files import PlainTree, delete_file, delete_tree, is_plain, open_file, refuse_irregular
from store.paths import FORMAT_PATH, temporary_name
from store.plain_file import describe_file_type

PIECE = 1 << 20

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LocalBackend:
    """A store's root in a folder of this machine or a network share.

    Parameters
    ----------
    folder : Path
        It need not exist; the first write makes it. It may be a symbolic link; in it, nothing is followed.
    """

    locks_are_exclusive = True

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.abspath(folder)
        self.url = self._folder
        self._tree = PlainTree(self._folder)
        self._shared = Permissions(self._folder, before_making=self._check_not_gone)
        self._begun = False  # whether there was a store here when we looked

    def settle(self, there: bool) -> None:
        if there and not self._begun:
            remember_mount(self._folder)
        elif not there and self._begun:
            raise is_unmounted(self._folder)
        elif not there:
            check_mounted(self._folder)
        self._begun = there

    def path(self, path: str) -> str:
        """Return the file that holds an object; IrregularFile where a folder above it is none."""
        whole = f"{self._folder}/{path}"
        self._tree.look_above(whole)
        return whole

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        with (
            translated_keep_missing("read", self.path(path)),
            open_file(self.path(path)) as file,
        ):
            if start:
                file.seek(start)
            if stop is None:
                return file.readall()
            return _read_exactly(file.fileno(), max(0, stop - start))

    def stream(self, path: str) -> Iterator[Data]:
        piece = bytearray(PIECE)
        view = memoryview(piece)
        with (
            translated_keep_missing("read", self.path(path)),
            open_file(self.path(path)) as file,
        ):
            while got := file.readinto(piece):
                yield view[:got]

    def drop_cached(self, path: str) -> None:
        file = self.path(path)
        with suppress(FileNotFoundError), translated_keep_missing("read", file), open_file(file) as opened:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def size(self, path: str) -> int | None:
        file = self.path(path)
        try:
            with translated_keep_missing("look at", file):
                state = os.lstat(file)
        except FileNotFoundError:
            return None
        if describe_file_type(state.st_mode):
            refuse_irregular(file)
        return state.st_size

    def put(self, path: str, data: Data, *, durable: bool = False) -> None:
        with self._beside(path, [data], durable=durable) as temporary:
            _replace(temporary, self.path(path))

    def write_stream(self, path: str, size: int, pieces: Iterator[Data]) -> None:
        with self._beside(path, pieces, durable=True) as temporary:
            _replace(temporary, self.path(path))

    def copy(self, path: str, to: str) -> None:
        """Link where that can be done: no file is ever written in place."""
        folder = os.path.dirname(self.path(to))
        temporary = f"{folder}/{temporary_name(os.urandom(8).hex())}"
        with translated_keep_missing("copy", self.path(path)):
            refuse_irregular(self.path(path))
            self._shared.make_folder(folder)
            try:
                os.link(self.path(path), temporary)
                _replace(temporary, self.path(to))
            except OSError as error:
                if error.errno not in (*_NO_LINKS, errno.EXDEV):
                    raise
                self.write_stream(to, os.stat(self.path(path)).st_size, self.stream(path))
            finally:
                with suppress(FileNotFoundError):  # it stays where both names are one file
                    os.unlink(temporary)

    def put_if_absent(self, path: str, data: Data) -> bool:
        with self._beside(path, [data], durable=True) as temporary:
            created = _link(temporary, self.path(path))
        self.sync([path])
        return created

    def list_paths(self, prefix: str) -> Iterator[str]:
        with translated("list", self._url(prefix)):
            return iter([path for path, _ in self._tree.files(prefix)])

    def list_objects(self, prefix: str, irregular: list[IrregularPath] | None = None) -> Iterator[ObjectInfo]:
        with translated("list", self._url(prefix)):
            for path, entry in self._tree.files(prefix, irregular):
                with suppress(FileNotFoundError):  # a temporary file that took its place
                    state = entry.stat(follow_symlinks=False)
                    yield ObjectInfo(path, state.st_size, state.st_mtime, f"{state.st_ino}-{state.st_mtime_ns}")

    def list_dir(self, prefix: str) -> list[str]:
        with translated("list", self._url(prefix)):
            return [entry.name for entry in self._tree.entries(prefix) if is_plain(entry)]

    def folders(self, prefix: str) -> list[str]:
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
        with suppress(OSError):  # a successor has begun
            os.rmdir(self.path(prefix))

    def move_all(self, prefix: str, to: str) -> None:
        with suppress(FileNotFoundError), translated_keep_missing("move", self.path(prefix)):
            refuse_irregular(self.path(prefix))
            self._shared.make_folder(os.path.dirname(self.path(to)))
            os.rename(self.path(prefix), self.path(to))
        for folder in {os.path.dirname(self.path(each)) for each in (prefix, to)}:
            with suppress(FileNotFoundError), translated_keep_missing("make safe", folder):
                _fsync(folder)

    def free(self) -> int | None:
        import shutil

        folder = self._folder
        while not os.path.isdir(folder) and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        with translated("look at", folder):
            return shutil.disk_usage(folder).free

    def sync(self, paths: Iterable[str]) -> None:
        folders = set()
        for path in paths:
            with translated_keep_missing("make safe", self.path(path)), open_file(self.path(path)) as file:
                os.fsync(file.fileno())
            folder = self.path(path)
            while folder != self._folder:
                folders.add(folder := os.path.dirname(folder))
        for folder in sorted(folders, key=len, reverse=True):
            with translated("make safe", folder):
                _fsync(folder)
        with suppress(OSError):  # the folder above the store may be somebody else's
            _fsync(os.path.dirname(self._folder))

    def lock(self, path: str, what: str) -> AbstractContextManager[None]:
        from store.backends.local.file_lock import locked

        folder = os.path.dirname(self.path(path))
        with translated("make", folder):
            self._shared.make_folder(folder)
        return locked(self.path(path), what, self._shared)

    def _url(self, path: str) -> str:
        return f"{self._folder}/{path}"

    def _check_not_gone(self) -> None:
        """Make no folder where the store itself is gone meanwhile: what was its mount point stays as it is."""
        if self._begun and not os.path.exists(self.path(FORMAT_PATH)):
            raise is_unmounted(self._folder)

    @contextmanager
    def _beside(self, path: str, pieces: Iterable[Data], *, durable: bool) -> Iterator[str]:
        folder = os.path.dirname(self.path(path))
        temporary = f"{folder}/{temporary_name(os.urandom(8).hex())}"
        with translated("write", self.path(path)):
            try:
                with self._shared.new_file(temporary) as file:
                    for piece in pieces:
                        view = memoryview(piece).cast("B")
                        while view:
                            view = view[file.write(view) :]
                    if durable:
                        os.fsync(file.fileno())
                yield temporary
            finally:
                with suppress(OSError):
                    os.unlink(temporary)


def _replace(temporary: str, target: str) -> None:
    refuse_irregular(target)
    os.replace(temporary, target)


def _read_exactly(descriptor: int, count: int) -> bytes:
    pieces: list[bytes] = []
    while count and (piece := os.read(descriptor, count)):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)  # a single one as it is


def _link(temporary: str, target: str) -> bool:
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A share without hard links: the draft's lock keeps others from coming between these two lines.
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
