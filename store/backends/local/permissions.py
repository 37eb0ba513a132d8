"""Permissions of the files of a shared store: they follow those of the store's folder, whatever the umask is.

A store whose folder is group-writable (``chmod g+ws``) belongs to that group: as in git's shared repositories, the
group may write to every folder that is made below it, and read and write every file. The same holds for all other
users where the folder is writable for them. In any other folder the umask alone decides.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from io import FileIO

_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OF_FILES = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
_OF_FOLDERS = stat.S_IRWXG | stat.S_IRWXO | stat.S_ISGID


class Permissions:
    """Creates files and folders in a store with the permissions of the store's folder.

    Parameters
    ----------
    store : str
        The store's folder, which need not exist.
    before_making : callable
        Called before a folder is made; it raises where none may be made.
    """

    def __init__(self, store: str, before_making: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._before_making = before_making

    def make_folder(self, folder: str) -> None:
        """Make a folder and those above it, where they are missing."""
        if os.path.isdir(folder):
            return
        self._before_making()
        if (parent := os.path.dirname(folder)) != folder:
            self.make_folder(parent)
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):  # otherwise another process made it first
                raise
            return
        if folder.startswith(f"{self._store}/"):
            self._grant(folder, _OF_FOLDERS)

    def new_file(self, file: str) -> FileIO:
        """Create a file that must not exist, and the folders above it; return it open for writing."""
        try:
            new = FileIO(file, "xb+")
        except FileNotFoundError:
            self.make_folder(os.path.dirname(file))
            new = FileIO(file, "xb+")
        self._grant(new.fileno(), _OF_FILES)
        return new

    def _grant(self, file: str | int, mask: int) -> None:
        if mode := self._shared_mode & mask:
            with suppress(OSError):  # a network share with permissions of its own
                os.chmod(file, stat.S_IMODE(os.stat(file).st_mode) | mode)

    @cached_property
    def _shared_mode(self) -> int:
        """Return the permissions of the store's folder for others than its owner, or 0 where none of them may write."""
        mode = os.stat(self._store).st_mode
        return mode & (_OF_FOLDERS | _OF_FILES) if mode & _WRITE else 0
