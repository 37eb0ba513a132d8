"""Files and folders below a store's folder, where nothing is followed or touched that is neither.

A symbolic link may lead out of the store, and reading a FIFO waits for ever. So files are opened without following a
link and looked at before they are read, and what is deleted is reached from folder to folder, each of them open: one
that is exchanged for a link meanwhile leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO

from store.backends.base import IrregularPath
from store.errors import IrregularFile
from store.plain_file import describe_file_type

_NOT_OPENED = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV, errno.EMLINK)  # of links, sockets and devices
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def refuse_irregular(path: str, name: str | None = None, folder: int | None = None) -> None:
    """Raise IrregularFile where neither a plain file, nor a folder, nor nothing lies at `path`.

    Parameters
    ----------
    path : str
        For the message, and where it is looked for.
    name, folder : optional
        Look for that name in this open folder instead.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        what = describe_file_type(os.lstat(path if name is None else name, dir_fd=folder).st_mode)
        if what:
            raise irregular(path, what)


def irregular(path: str, what: str) -> IrregularFile:
    """Return the error that something in a store is neither a plain file nor a folder."""
    return IrregularFile(
        f"{path} is {what}, and nothing in a store is followed or used that is not a plain file or folder. Put what it "
        "stands for in its place; to have a store on another disk, let the whole store folder be a link, or mount the "
        "disk there (`mount --bind`)",
        path,
        what,
    )


def open_file(path: str) -> FileIO:
    """Open a plain file for reading, without waiting for anybody.

    Raises
    ------
    IrregularFile
        It is a link, a FIFO, a socket or a device.
    OSError
    """
    try:
        descriptor = os.open(path, _FILE)
    except OSError as error:
        if error.errno in _NOT_OPENED:
            refuse_irregular(path)
        raise
    try:
        what = describe_file_type(os.fstat(descriptor).st_mode)
        if what:
            raise irregular(path, what)
        return FileIO(descriptor, "rb")
    except BaseException:  # raised again: only the file is closed
        os.close(descriptor)
        raise


def is_plain(entry: os.DirEntry[str]) -> bool:
    """Tell whether a listed name is that of a plain file or a folder."""
    return entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)


class PlainTree:
    """The plain files and folders below a folder, which itself may be a link.

    A folder that was seen to be none is not looked at again by this object: that keeps readers quick, who check what
    they read. What is deleted is looked at anew.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders = {root}

    def look_above(self, file: str) -> None:
        """Raise IrregularFile where something above a file (named in full) is neither a folder nor a plain file."""
        unknown = []
        folder = os.path.dirname(file)
        while folder not in self._folders:
            unknown.append(folder)
            folder = os.path.dirname(folder)
        for folder in reversed(unknown):
            try:
                mode = os.lstat(folder).st_mode
            except OSError:  # what is about to be done there fails, too, and says why
                return
            if not stat.S_ISDIR(mode):
                refuse_irregular(folder)
                return
            self._folders.add(folder)

    def entries(self, path: str) -> list[os.DirEntry[str]]:
        """Return what lies directly in a folder, of any kind; nothing where there is no such folder."""
        folder = f"{self._root}/{path}"
        self.look_above(f"{folder}/")  # at the folder itself, too
        try:
            with os.scandir(folder) as found:
                return list(found)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def files(self, path: str, irregular: list[IrregularPath] | None = None) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield all plain files below a folder; what is none, and no folder, is added to `irregular`."""
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            try:
                found = self.entries(folder)
            except IrregularFile as error:
                if irregular is None:
                    raise
                irregular.append(IrregularPath(error.path.removeprefix(f"{self._root}/"), error.what))
                continue
            for entry in found:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
                elif is_plain(entry):
                    yield name, entry
                elif irregular is not None:
                    with suppress(FileNotFoundError):
                        irregular.append(
                            IrregularPath(name, describe_file_type(entry.stat(follow_symlinks=False).st_mode))
                        )


@contextmanager
def opened_folder(root: str, path: str) -> Iterator[int]:
    """Hold the folder `path` below `root` open, reached without following a link; `root` itself may be one.

    Raises
    ------
    IrregularFile
        There is something else than a folder on the way.
    OSError
    """
    descriptor, so_far = os.open(root, _FOLDER), root
    try:
        for name in path.split("/") if path else ():
            so_far = f"{so_far}/{name}"
            inner = _open_folder(name, descriptor, so_far)
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
        Something else is there, or on the way there. What was deleted before it was found, is.
    OSError
    """
    folder, _, name = path.rpartition("/")
    with opened_folder(root, folder) as parent:
        _delete_tree(name, parent, f"{root}/{path}")


def _delete_tree(name: str, parent: int, path: str) -> None:
    descriptor = _open_folder(name, parent, path)
    try:
        with os.scandir(descriptor) as entries:
            found = list(entries)
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                _delete_tree(entry.name, descriptor, f"{path}/{entry.name}")
                continue
            refuse_irregular(f"{path}/{entry.name}", entry.name, descriptor)
            with suppress(FileNotFoundError):  # somebody else deletes, too
                os.unlink(entry.name, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    with suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=parent)


def _open_folder(name: str, parent: int, path: str) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno in _NOT_OPENED:
            refuse_irregular(path, name, parent)
        raise
