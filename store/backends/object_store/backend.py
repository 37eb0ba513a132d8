"""A backend at a URL that obstore opens. Each write is atomic and durable, as the service guarantees.

A lock is a lease, which only saves work: every draft is a fresh attempt, and the create-only manifest decides who was
first. On S3 the service verifies the SHA-256 of every body, which is part of the signature.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError
from obstore.store import MemoryStore, ObjectStore

from store.backends.base import Data, IrregularPath, ObjectInfo
from store.backends.lock_owner import LockOwner
from store.backends.object_store import requests
from store.backends.object_store.clients import GIVE_UP, PATIENCE, connect, stall_s
from store.backends.object_store.leases import Lease, holder_of
from store.backends.object_store.service_errors import describe_service_error, is_refusal
from store.errors import NotPermitted, StoreError, UnsupportedUrl
from store.paths import FORMAT_PATH

PART = 8 << 20
MAX_PARTS_IN_FLIGHT = 2
MAX_PARTS = 9_000  # S3 allows 10,000

_BEYOND_END = re.compile(r"status code: 416|Wanted range starting at|CONTENT_RANGE")

_RETRY_PAUSE_S = 0.5
_DELETE_TRIES = 5

_memories: dict[str, MemoryStore] = {}


def open_bucket(url: str, scheme: str) -> ObjectStoreBackend:
    """Open the backend at an object store's URL; ``memory://NAME`` lives as long as this process.

    Credentials come from the environment alone.
    """
    if scheme == "memory":
        return ObjectStoreBackend(url, _memories.setdefault(url.rstrip("/"), MemoryStore()))
    try:
        return ObjectStoreBackend(url, connect(url, scheme), connect(url, scheme, patience=PATIENCE))
    except (BaseError, ValueError) as error:
        raise UnsupportedUrl(f"cannot open {url}: {describe_service_error(error)}") from None


class ObjectStoreBackend:
    """A store in a bucket, or in this process's memory.

    Parameters
    ----------
    patient : ObjectStore, optional
        The same bucket, for requests that send much; see `clients.py`.
    """

    locks_are_exclusive = False
    read_only = False

    def __init__(self, url: str, objects: ObjectStore, patient: ObjectStore | None = None) -> None:
        self.url = url if url.endswith("://") else url.rstrip("/")
        self._objects = objects
        self._patient = patient or objects

    def check_mounted(self, store_exists: bool) -> None:
        """Do nothing: a missing bucket is an error of every request anyway."""

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        with self._translated("read", path):
            if stop is None:
                stop = int(requests.head(self._objects, path)["size"])
            elif start >= stop:
                requests.head(self._objects, path)  # raises where there is no such object
            if start >= stop:
                return b""
            try:
                return requests.get(self._objects, path, start, stop)
            except GenericError as error:
                if not _BEYOND_END.search(str(error)) or requests.head(self._objects, path)["size"] > start:
                    raise
                return b""

    def stream(self, path: str) -> Iterator[Data]:
        with self._translated("read", path):
            yield from requests.stream(self._objects, path)

    def drop_cached(self, path: str) -> None:
        """Do nothing: every read is a request of its own."""

    def size(self, path: str) -> int | None:
        with self._translated("look at", path):
            try:
                return int(requests.head(self._objects, path)["size"])
            except FileNotFoundError:
                return None

    def put(self, path: str, data: Data, *, durable: bool = False) -> None:
        with self._translated("write", path):
            if memoryview(data).nbytes <= PART:
                requests.put(self._patient, path, data, factor=PATIENCE)
            else:
                obstore.put(self._patient, path, data, chunk_size=PART, max_concurrency=MAX_PARTS_IN_FLIGHT)

    def write_stream(self, path: str, size: int, pieces: Iterator[Data]) -> None:
        part = max(PART, -(-size // MAX_PARTS))
        owned = (bytes(each) for each in pieces)  # copied, since it is sent while the next piece is read
        whole = b"".join(owned) if size <= part else None
        with self._translated("write", path):
            try:
                if whole is not None:
                    requests.put(self._patient, path, whole, factor=PATIENCE)
                else:
                    obstore.put(self._patient, path, owned, chunk_size=part, max_concurrency=MAX_PARTS_IN_FLIGHT)
            except FileNotFoundError:  # the upload is complete, but the answer that said so was lost
                if self.size(path) != size:
                    raise

    def copy(self, path: str, to: str) -> None:
        with self._translated("copy", path):
            requests.copy(self._patient, path, to, PATIENCE)

    def put_if_absent(self, path: str, data: Data) -> bool:
        give_up = time.monotonic() + stall_s() * GIVE_UP
        large = memoryview(data).nbytes > PART
        objects, factor = (self._patient, PATIENCE) if large else (self._objects, 1.0)
        with self._translated("write", path):
            while True:
                try:
                    requests.put(objects, path, data, mode="create", factor=factor)
                except AlreadyExistsError:  # it is ours where the answer to an earlier try was lost
                    return self.read(path, 0, memoryview(data).nbytes + 1) == data
                except GenericError:  # obstore does not retry this request: it could not tell who made the object
                    if time.monotonic() > give_up:
                        raise
                    time.sleep(_RETRY_PAUSE_S)
                else:
                    return True

    def list_paths(self, prefix: str) -> Iterator[str]:
        with self._translated("list", prefix):
            yield from (meta["path"] for meta in requests.entries(self._objects, prefix))

    def list_objects(self, prefix: str, irregular: list[IrregularPath] | None = None) -> Iterator[ObjectInfo]:
        with self._translated("list", prefix):
            for meta in requests.entries(self._objects, prefix):
                written = meta["last_modified"].timestamp()
                yield ObjectInfo(meta["path"], int(meta["size"]), written, meta["e_tag"] or str(written))

    def list_dir(self, prefix: str) -> list[str]:
        with self._translated("list", prefix):
            folders, objects = requests.list_dir(self._objects, prefix)
        return [_name(path) for path in (*folders, *objects)]

    def list_folders(self, prefix: str) -> list[str]:
        with self._translated("list", prefix):
            return [_name(path) for path in requests.list_dir(self._objects, prefix)[0]]

    def delete(self, path: str) -> None:
        with self._translated("delete", path), suppress(FileNotFoundError):
            requests.delete(self._objects, path)

    def delete_all(self, prefix: str) -> None:
        for _ in range(_DELETE_TRIES):
            paths = list(self.list_paths(prefix))
            # Not found: another process deletes as well, so list again.
            with self._translated("delete", prefix), suppress(FileNotFoundError):
                requests.delete(self._objects, paths)
                return

    def drop_folder(self, prefix: str, lock: str) -> None:
        """Do nothing: a bucket has no folders, and releasing a lease deletes it."""

    def move_all(self, prefix: str, to: str) -> None:
        for path in [prefix, *self.list_paths(prefix)]:
            with self._translated("move", path), suppress(FileNotFoundError):
                requests.rename(self._patient, path, to + path.removeprefix(prefix), PATIENCE)

    def free_bytes(self) -> int | None:
        return None

    def sync(self, paths: Iterable[str]) -> None:
        """Return at once: a put that has returned is durable."""

    def check_writable(self) -> bool:
        try:
            data = self.read(FORMAT_PATH)
        except FileNotFoundError:
            return False
        # The service refuses to make what is there, as absent, only to those who may write.
        self.put_if_absent(FORMAT_PATH, data)
        return True

    def lock_owner(self, path: str) -> LockOwner | None:
        with self._translated("look at", path), suppress(FileNotFoundError):
            holder = holder_of(self._objects, path)
            return None if holder is None else LockOwner(holder.owner, not holder.stale(time.time()))
        return None

    @contextmanager
    def lock(self, path: str, what: str) -> Iterator[None]:
        with ExitStack() as stack:
            with self._translated("lock", path):  # not the block below, whose errors are the caller's
                stack.enter_context(Lease(self._objects, path, what))
            yield

    @contextmanager
    def _translated(self, action: str, path: str) -> Iterator[None]:
        try:
            yield
        except BaseError as error:  # not chained: the service's own message may hold a signature
            error_type = NotPermitted if is_refusal(error) else StoreError
            raise error_type(f"cannot {action} {self.url}/{path}: {describe_service_error(error)}") from None
        except FileNotFoundError:
            if action != "write":
                raise
            raise StoreError(
                f"cannot write {self.url}/{path}: there is no such bucket or container. Create it, or check the URL"
            ) from None


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
