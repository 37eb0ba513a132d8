"""What can go wrong in a store; every message names the object, the problem, and the remedy.

StoreError
├── OutputError          about one output, which its attributes name
│   ├── MissingOutput        no manifest: the output was never published here
│   └── Corrupt              what is published is damaged; it says where
│       ├── CorruptObject        bytes differ from what the manifest lists, or are gone
│       └── CorruptManifest      a manifest that cannot be used
│           └── UnsafeManifest       one that names a path outside its output; also an UnsafePath
├── UnsafePath           a path or name that would leave its output
├── IrregularFile        a link, FIFO, socket or device where a plain file or folder should be
├── DraftLocked          another process writes this output now
├── NotShared            no attempt here that others than its owner may write into
├── ObjectTaken          another writer of the same attempt wrote this object before, with other bytes
├── NotPermitted         this user may not read or write there
├── StoreFull            no space (or quota) left; what is journalled is kept
├── UnsupportedFormat    the store was written by another version
├── UnsupportedUrl       a URL that no store can be opened at
├── WrongVariable        an environment variable with an unusable value
├── UnknownHome          a path with ~ where no home folder is known
└── LayoutError          arrays that cannot be laid out as a feature output
"""

from __future__ import annotations

REMEDY = "Run again: this output is set aside and fetched or computed anew. Verify all others, too"


class StoreError(Exception):
    """Base class of all errors of this package."""


class OutputError(StoreError):
    """Something is wrong with one output.

    Attributes
    ----------
    url : str or None
        The store's. None where it is not known, as with all others.
    stage, key : str or None
        Which output.
    attempt : str or None
        Whose objects are damaged.
    path : str or None
        Which object, below the attempt.
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
        self.url = url
        self.stage = stage
        self.key = key
        self.attempt = attempt
        self.path = path

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
    """Something in a store is neither a plain file nor a folder: it is not followed, read or deleted.

    Attributes
    ----------
    path, what : str
        Its path and its type, such as "a symbolic link".
    """

    def __init__(self, message: str, path: str, what: str) -> None:
        super().__init__(message)
        self.path = path
        self.what = what


class DraftLocked(StoreError):
    """Another process holds the draft of this output.

    Attributes
    ----------
    owner : str
        Who holds it, as "process 12 on host".
    """

    def __init__(self, message: str, owner: str = "another process") -> None:
        super().__init__(message)
        self.owner = owner


class NotShared(StoreError):
    """There is no attempt here that others may write into: it was published or deleted, or is on another machine."""


class ObjectTaken(StoreError):
    """Another writer of the same attempt wrote an object before, with other bytes.

    Attributes
    ----------
    path : str or None
        Which object, where it is one of an unfinished unit.
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
