"""Plain files and folders below a store's folder; symbolic links and special files are neither followed nor touched.

A symbolic link may lead out of the store, and reading a FIFO waits for ever. So files are opened without following a
link and are examined before they are read. What is deleted is reached from folder to folder, each of them held open:
a folder that is exchanged for a link meanwhile leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO

from store.backends.base import IN_THE_WAY, IrregularPath
from store.backends.local.os_errors import file_in_the_way
from store.errors import IrregularFile
from store.plain_file import describe_file_type

_NOT_OPENED = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV, errno.EMLINK)  # of links, sockets and devices
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def refuse_irregular(path: str, name: str | None = None, folder: int | None = None) -> None:
    """Raise IrregularFile where `path` exists and is neither a plain file nor a folder.

    Parameters
    ----------
    path : str
        For the message, and the path that is examined.
    name, folder : optional
        Examine that name in this open folder instead.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        what = describe_file_type(os.lstat(path if name is None else name, dir_fd=folder).st_mode)
        if what:
            raise IrregularFile(path, what)


def open_plain(path: str, flags: int) -> int:
    """Open a plain file without waiting for anybody, and return its descriptor; `flags` hold O_NOFOLLOW, O_NONBLOCK.

    Raises
    ------
    IrregularFile
        It is a link, a FIFO, a socket or a device.
    OSError
    """
    try:
        descriptor = os.open(path, flags)
    except OSError:
        refuse_irregular(path)
        raise
    mode = os.fstat(descriptor).st_mode
    what = describe_file_type(mode)
    if what or stat.S_ISDIR(mode):  # a FIFO or a folder opens like a file
        os.close(descriptor)
        raise IrregularFile(path, what) if what else IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return descriptor


def open_file(path: str) -> FileIO:
    """Open a plain file for reading; see `open_plain`."""
    return FileIO(open_plain(path, _READ_FILE), "rb")


def is_plain(entry: os.DirEntry[str]) -> bool:
    """Tell whether a listed name is that of a plain file or a folder."""
    return entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)


class PlainTree:
    """The plain files and folders below a folder, which itself may be a link.

    A folder that was found to be no link is not examined again by this object, which keeps reading fast: readers
    verify the bytes that they read anyway. Deletion examines every folder anew.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders = {root}

    def check_parents(self, file: str) -> None:
        """Raise IrregularFile where a path above `file` (an absolute path) is neither a folder nor a plain file."""
        unknown = []
        folder = os.path.dirname(file)
        while folder not in self._folders:
            unknown.append(folder)
            folder = os.path.dirname(folder)
        for folder in reversed(unknown):
            try:
                mode = os.lstat(folder).st_mode
            except OSError:  # the operation that follows fails as well, with a better message
                return
            if not stat.S_ISDIR(mode):
                refuse_irregular(folder)
                return
            self._folders.add(folder)

    def entries(self, path: str) -> list[os.DirEntry[str]]:
        """Return the entries directly in a folder, of any type; an empty list where there is no such folder."""
        folder = f"{self._root}/{path}"
        self.check_parents(f"{folder}/")  # with the slash, the folder itself is examined, too
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def files(self, path: str, irregular: list[IrregularPath] | None = None) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield all plain files below a folder; what is neither a file nor a folder is appended to `irregular`.

        So is a file that stands where the folder itself, or one above it, belongs.
        """
        if irregular is not None and path and (file := file_in_the_way(f"{self._root}/{path}")):
            irregular.append(IrregularPath(file.removeprefix(f"{self._root}/"), IN_THE_WAY))
        pending = [path]
        while pending:
            folder = pending.pop()
            try:
                entries = self.entries(folder)
            except IrregularFile as error:
                if irregular is None:
                    raise
                irregular.append(IrregularPath(error.path.removeprefix(f"{self._root}/"), error.what))
                continue
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    pending.append(name)
                elif is_plain(entry):
                    yield name, entry
                elif irregular is not None:
                    with suppress(FileNotFoundError):
                        what = describe_file_type(entry.stat(follow_symlinks=False).st_mode)
                        irregular.append(IrregularPath(name, what))


@contextmanager
def opened_folder(root: str, path: str) -> Iterator[int]:
    """Hold the folder `path` below `root` open, reached without following a link; `root` itself may be one.

    Raises
    ------
    IrregularFile
        Something on the way is not a folder.
    OSError
    """
    descriptor, current = os.open(root, _OPEN_FOLDER), root
    try:
        for name in path.split("/") if path else ():
            current = f"{current}/{name}"
            inner = _open_folder(name, descriptor, current)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def delete_file(root: str, path: str) -> None:
    """Delete a plain file below `root`; FileNotFoundError where there is none."""
    folder, _, name = path.rpartition("/")
    with opened_folder(root, folder) as parent:
        refuse_irregular(f"{root}/{path}", name, parent)
        os.unlink(name, dir_fd=parent)


def delete_tree(root: str, path: str) -> None:
    """Delete a folder below `root` and all plain files and folders in it.

    Raises
    ------
    IrregularFile
        Something else is there, or on the way there; what was deleted before that stays deleted.
    OSError
    """
    folder, _, name = path.rpartition("/")
    with opened_folder(root, folder) as parent:
        _delete_tree(name, parent, f"{root}/{path}")


def _delete_tree(name: str, parent: int, path: str) -> None:
    descriptor = _open_folder(name, parent, path)
    try:
        with os.scandir(descriptor) as listing:
            entries = list(listing)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _delete_tree(entry.name, descriptor, f"{path}/{entry.name}")
                continue
            refuse_irregular(f"{path}/{entry.name}", entry.name, descriptor)
            with suppress(FileNotFoundError):  # another process deletes as well
                os.unlink(entry.name, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    with suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=parent)


def _open_folder(name: str, parent: int, path: str) -> int:
    try:
        return os.open(name, _OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno in _NOT_OPENED:
            refuse_irregular(path, name, parent)
        raise
