"""Who may use what a store in a folder makes: its own folder's permissions decide, whatever the maker's umask is.

A store whose folder its group may write to (``chmod g+ws``) belongs to that group: as in git's shared repositories,
each folder made below it is the group's to write to, and each file its to read and to write. The same holds for all
others, where the folder is theirs, too. In any other folder the umask alone decides.
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
    """Makes files and folders of a store that those may use who may use the store's folder.

    Parameters
    ----------
    store : str
        The store's folder, which need not exist.
    before_making : callable
        Called before a folder is made; raises where none must be.
    """

    def __init__(self, store: str, before_making: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._before_making = before_making

    def make_folder(self, folder: str) -> None:
        """Make a folder and those above it, where they are missing."""
        missing = []
        while not os.path.isdir(folder):
            missing.append(folder)
            above = os.path.dirname(folder)
            if above == folder:
                break
            folder = above
        if missing:
            self._before_making()
        for each in reversed(missing):
            try:
                os.mkdir(each)
            except FileExistsError:
                if not os.path.isdir(each):  # else another process was faster
                    raise
                continue
            if each.startswith(f"{self._store}/"):
                self._grant(each, _OF_FOLDERS)

    def new_file(self, file: str) -> FileIO:
        """Open a file that must not be there, for writing, and the folders above it."""
        try:
            made = FileIO(file, "xb+")
        except FileNotFoundError:
            self.make_folder(os.path.dirname(file))
            made = FileIO(file, "xb+")
        self._grant(made.fileno(), _OF_FILES)
        return made

    def _grant(self, what: str | int, possible: int) -> None:
        if wanted := self._shared & possible:
            with suppress(OSError):  # a share that decides by itself who may do what
                os.chmod(what, stat.S_IMODE(os.stat(what).st_mode) | wanted)

    @cached_property
    def _shared(self) -> int:
        """Return what the store's folder grants to others than its owner, where it lets any of them write."""
        mode = os.stat(self._store).st_mode
        return mode & (_OF_FOLDERS | _OF_FILES) if mode & _WRITE else 0
