"""Records of what was run, below ``runs/``: for people, no output depends on one."""

from __future__ import annotations

from contextlib import AbstractContextManager

from store.backends.base import Backend
from store.backends.lock_owner import LockOwner
from store.maintenance.references import lock_soon
from store.manifest.limits import NOTE_BYTES, read_bounded
from store.manifest.store_format import write_format
from store.paths import is_name, run_lock_path, run_path

RUN_BYTES = 16 * NOTE_BYTES  # of one record

_ALL = "all"  # the lock under which records are made and deleted


class Records:
    """The records of one group, such as the runs of one stages file, by name."""

    def __init__(self, root: Backend, group: str) -> None:
        self._root, self._group = root, group
        self.url = f"{root.url}/runs/{group}"

    def names(self) -> list[str]:
        """Return the names of all records; nothing is read."""
        return [name for name in self._root.list_dir(f"runs/{self._group}") if is_name(name)]

    def read(self, name: str) -> bytes | None:
        """Return what was written last under a name, or None."""
        try:
            return read_bounded(self._root, run_path(self._group, name), RUN_BYTES)
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a record, replacing any: whoever reads sees all of the old one or of the new."""
        write_format(self._root)
        self._root.put(run_path(self._group, name), data)

    def delete(self, name: str) -> None:
        """Delete a record; a missing one is no error."""
        self._root.delete(run_path(self._group, name))

    def lock_all(self) -> AbstractContextManager[None]:
        """Keep others from making or deleting records meanwhile; DraftLocked where one does for half a minute."""
        write_format(self._root)
        return lock_soon(self._root, run_lock_path(self._group, _ALL), self.url)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock of this name, as a run does while it goes on; DraftLocked while another process has it."""
        return self._root.lock(run_lock_path(self._group, name), f"{self.url}/{name}")

    def owner(self, name: str) -> LockOwner | None:
        """Return who took such a lock last, and whether it is held still; None where that is unknown."""
        return self._root.lock_owner(run_lock_path(self._group, name))
