"""What can go wrong in a store; every message names the object, the problem, and the remedy.

Each is a StoreError, most of them directly. Those about one output are::

    OutputError
    ├── MissingOutput
    └── Corrupt
        ├── CorruptObject
        └── CorruptManifest
            └── UnsafeManifest    also an UnsafePath
"""

from __future__ import annotations

REMEDY = (
    "Run again (`pipeline run`): that sets this output aside, and fetches or computes it anew. Verify all others, too"
)


class StoreError(Exception):
    """Base class of all errors of this package."""


class OutputError(StoreError):
    """Something is wrong with one output.

    Attributes
    ----------
    url, stage, key : str or None
        The store's URL, and which output. None where it is not known, as with all others.
    attempt, path : str or None
        Whose objects are damaged; which object, below the attempt.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str | None = None,
        stage: str | None = None,
        key: str | None = None,
        attempt: str | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(message)
        self.url, self.stage, self.key = url, stage, key
        self.attempt, self.path = attempt, path

    @property
    def finding(self) -> str:
        """What is wrong, without the remedy: for whoever applies the remedy and reports it."""
        return str(self).removesuffix(f". {REMEDY}")


class MissingOutput(OutputError):
    """There is no published output under this stage and key."""


class Corrupt(OutputError):
    """A published output has changed; it can be set aside with `Store.quarantine`."""


class CorruptObject(Corrupt):
    """An object's bytes are not those that its manifest lists, or not what an output of its stage holds."""


class CorruptManifest(Corrupt):
    """A manifest cannot be parsed, contradicts its place in the store, or exceeds a stated limit."""


class UnsafePath(StoreError):
    """A path that leaves its output, or a name that cannot be a folder's."""


class UnsafeManifest(CorruptManifest, UnsafePath):
    """A manifest names a path that leaves its output."""


class IrregularFile(StoreError):
    """Something in a store is neither a plain file nor a folder, but `what`, such as "a symbolic link"."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            f"{path} is {what}, and nothing in a store is followed or used that is not a plain file or folder. Put "
            "what it stands for in its place; to have a store on another disk, let the whole store folder be a link, "
            "or mount the disk there (`mount --bind`)"
        )
        self.path, self.what = path, what


class DraftLocked(StoreError):
    """Another process writes this now; its `owner` is named, as "process 12 on host since ..."."""

    def __init__(self, what: str, owner: str) -> None:
        super().__init__(f"{what} is being written by {owner}; wait until it ends, or stop it, then run again")
        self.owner = owner


class NotShared(StoreError):
    """There is no attempt here that others may write into: it was published or deleted, or is on another machine."""


class ObjectTaken(StoreError):
    """Another writer of the same attempt wrote an object before, with other bytes.

    Its `path` is known where the object is one of an unfinished unit.
    """

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class NotPermitted(StoreError):
    """The file system or the service does not let this user read, or write, this place."""


class StoreFull(StoreError):
    """The disk, the quota or the file size limit is used up."""


class UnsupportedFormat(StoreError):
    """``store.json`` or a manifest has a format that this version cannot read."""


class UnsupportedUrl(StoreError):
    """No store can be opened at this URL."""


class WrongVariable(StoreError):
    """An environment variable has an unusable value; the message names it and its range."""


class UnknownHome(StoreError):
    """A path begins with ``~``, and the system knows no home folder for it."""


class LayoutError(StoreError):
    """Feature arrays that contradict each other, their shards or their limits."""
