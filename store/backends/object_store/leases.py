"""One owner at a time in a bucket: a lease, an object that its holder renews and anybody may take over when stale.

Leases only save work: a paused holder, two clocks that differ, or a service without conditional writes may let two
owners work at once. That is safe, since each writes an attempt of its own and the create-only manifest decides.

A lease is stale once it has expired by the reader's clock. Clocks may differ: services refuse requests whose clock is
off by more than about 15 minutes, so a takeover is at most that much early or late. The lease of a dead process of
this machine is stale at once.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import msgspec
from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError, PreconditionError
from obstore.store import ObjectStore

from store.backends.lock_owner import new_holder
from store.backends.object_store import requests
from store.environment import seconds_from_environment
from store.errors import DraftLocked

_RENEWALS = 3  # while a lease lasts
_TRIES = 5
_MAX_BYTES = 4096


class Holder(msgspec.Struct, frozen=True):
    """The content of a lease."""

    owner: str  # for messages
    token: str  # random and different for every lease
    expires: float  # seconds since 1970
    # The boot and the PID namespace that `process` belongs to; empty where that is unknown.
    machine: str = ""
    process: int = 0  # its PID

    def stale(self, now: float) -> bool:
        """Tell whether the lease has expired, or its holder is known to be dead."""
        return now > self.expires or (self.machine == _machine() != "" and not _is_alive(self.process))


class Lease:
    """A lease that is held for the length of a block and renewed in a thread; DraftLocked while another is alive.

    Parameters
    ----------
    what : str
        What it protects, for the message.
    """

    def __init__(self, objects: ObjectStore, path: str, what: str) -> None:
        self._objects = objects
        self._path = path
        self._what = what
        self._duration_s = lease_s()
        self._owner = new_holder()
        self._token = os.urandom(16).hex()
        self._version: Any = {}
        self._expires = 0.0
        self._released = Event()
        self._renewer = Thread(target=self._renew, name=f"lease {path}", daemon=True)

    def __enter__(self) -> None:
        for _ in range(_TRIES):
            if self._put("create") or self._take_over():
                self._renewer.start()
                return
        raise DraftLocked(self._what, "several other processes at once")

    def __exit__(self, *exception: object) -> None:
        self._released.set()
        self._renewer.join(self._duration_s / _RENEWALS)
        with suppress(BaseError, FileNotFoundError):  # it expires by itself
            if not self._renewer.is_alive() and self._is_ours():
                requests.delete(self._objects, self._path)

    def _take_over(self) -> bool:
        try:
            holder, version = self._read()
        except FileNotFoundError:  # released just now
            return False
        if holder is not None and holder.token == self._token:  # our own, whose answer was lost
            self._version = version
            return True
        if holder is not None and not holder.stale(time.time()):
            raise DraftLocked(self._what, holder.owner)
        return self._put(version)

    def _renew(self) -> None:
        while not self._released.wait(self._duration_s / _RENEWALS):
            try:
                if not self._put(self._version) and not self._refresh_version():
                    return  # lost, which is safe: the new holder writes an attempt of its own
            except (BaseError, FileNotFoundError):
                continue  # a failure of the network: there may be time for another try before the lease expires

    def _put(self, mode: Any) -> bool:
        expires = time.time() + self._duration_s
        data = msgspec.json.encode(Holder(self._owner, self._token, expires, _machine(), os.getpid()))
        try:
            try:
                meta = requests.put(self._objects, self._path, data, mode=mode)
            except (NotSupportedError, NotImplementedError):  # no conditional writes; see the module's docstring
                meta = requests.put(self._objects, self._path, data)
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            return False
        self._version, self._expires = _version(meta), expires
        return True

    def _refresh_version(self) -> bool:
        holder, version = self._read()
        if holder is None or holder.token != self._token:
            return False
        self._version = version
        return True

    def _is_ours(self) -> bool:
        # Close to its end it may be taken over between this check and the deletion, so then it is left to expire.
        return time.time() < self._expires - 1 and self._refresh_version()

    def _read(self) -> tuple[Holder | None, dict[str, str]]:
        """Return who holds the lease (None where that is unreadable) and the version on which to replace it."""
        data, meta = requests.first_bytes(self._objects, self._path, _MAX_BYTES)
        return _decoded(data), _version(meta)


def holder_of(objects: ObjectStore, path: str) -> Holder | None:
    """Return what a lease says; None where that is unreadable, FileNotFoundError where there is none."""
    return _decoded(requests.first_bytes(objects, path, _MAX_BYTES)[0])


def lease_s() -> float:
    """Return for how many seconds a lease holds without being renewed."""
    return seconds_from_environment("PIPELINE_LEASE_SECONDS")


def _decoded(data: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(data, type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _version(meta: Any) -> dict[str, str]:
    return {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}


def _machine() -> str:
    """Return an identifier of this boot of this system and of its PID namespace, or an empty text."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    with suppress(OSError), open(f"/proc/{process}/stat", "rb") as file:
        state = file.read().rpartition(b")")[2].split()[0]
        return state not in (b"Z", b"X")  # a zombie is dead, though it still has its PID
    return True
