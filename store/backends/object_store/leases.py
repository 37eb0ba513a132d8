"""One owner at a time in a bucket: a lease, an object that its holder renews and anybody may take over when stale.

Leases save work and nothing more: a paused holder, two clocks that differ, or a service that cannot replace an object
on condition may let two owners work at once. That is safe, since each writes an attempt of its own and the create-only
manifest decides.

A lease is stale when its time is over by the reader's clock. Clocks may differ: services refuse requests whose clock is
off by more than about 15 minutes, so that is the most that a takeover is early or late. The lease of a process of this
machine that is no more is stale at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import msgspec
from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError, PreconditionError
from obstore.store import ObjectStore

from store.backends.local.file_lock import locked_by, this_process
from store.backends.object_store import requests
from store.environment import seconds_from_environment

_BEATS = 3  # renewals in that time
_TRIES = 5
_LARGEST = 4096


class Holder(msgspec.Struct, frozen=True):
    """What a lease says.

    Attributes
    ----------
    owner : str
        For people.
    token : str
        Random, another one for every lease.
    expires : float
        Seconds since 1970.
    machine : str
        Where `process` means something: one start of one system, one set of process numbers. May be empty.
    process : int
    """

    owner: str
    token: str
    expires: float
    machine: str = ""
    process: int = 0

    def stale(self, now: float) -> bool:
        """Tell whether the holder has given no sign of life for too long, or is known to be dead."""
        return now > self.expires or (self.machine == _machine() != "" and not _alive(self.process))


@contextmanager
def leased(objects: ObjectStore, path: str, what: str) -> Iterator[None]:
    """Hold a lease for the length of the block. Never waits for another holder.

    Parameters
    ----------
    objects : ObjectStore
    path : str
    what : str
        What it protects, for the message.

    Raises
    ------
    DraftLocked
        Somebody else holds it and is alive.
    """
    lease = Lease(objects, path)
    lease.acquire(what)
    try:
        yield
    finally:
        lease.release()


class Lease:
    """A lease of this process; see `leased`."""

    def __init__(self, objects: ObjectStore, path: str) -> None:
        self._objects = objects
        self._path = path
        self._seconds = lease_s()
        self._token = os.urandom(16).hex()
        self._version: Any = {}
        self._expires = 0.0
        self._ended = Event()
        self._heart = Thread(target=self._beat, name=f"lease {path}", daemon=True)

    def acquire(self, what: str) -> None:
        """Take the lease where nobody has it, or where it is stale; else raise DraftLocked."""
        for _ in range(_TRIES):
            if self._put("create") or self._take_over(what):
                self._heart.start()
                return
        raise locked_by("several other processes at once", what)

    def release(self) -> None:
        """End the lease, unless it has become somebody else's."""
        self._ended.set()
        self._heart.join(self._seconds / _BEATS)
        with suppress(BaseError, FileNotFoundError):  # it runs out by itself
            if not self._heart.is_alive() and self._is_ours():
                requests.delete(self._objects, self._path)

    def _take_over(self, what: str) -> bool:
        try:
            holder, version = self._read()
        except FileNotFoundError:  # let go of just now
            return False
        if holder is not None and holder.token == self._token:  # our own, whose answer was lost
            self._version = version
            return True
        if holder is not None and not holder.stale(time.time()):
            raise locked_by(holder.owner, what)
        return self._put(version)

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds / _BEATS):
            try:
                if not self._put(self._version) and not self._found_ours():
                    return  # lost: whoever has it works on its own attempt, and so do we
            except (BaseError, FileNotFoundError):
                continue  # the network; there may still be time

    def _put(self, mode: Any) -> bool:
        expires = time.time() + self._seconds
        holder = Holder(this_process(), self._token, expires, _machine(), os.getpid())
        data = msgspec.json.encode(holder)
        try:
            try:
                put = requests.put(self._objects, self._path, data, mode=mode)
            except (NotSupportedError, NotImplementedError):  # on condition; then two may believe to hold it
                put = requests.put(self._objects, self._path, data)
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            return False
        self._version, self._expires = _version(put), expires
        return True

    def _found_ours(self) -> bool:
        holder, version = self._read()
        if holder is None or holder.token != self._token:
            return False
        self._version = version
        return True

    def _is_ours(self) -> bool:
        # near its end it may be taken over between the look and the deletion; then it is left to run out
        return time.time() < self._expires - 1 and self._found_ours()

    def _read(self) -> tuple[Holder | None, dict[str, str]]:
        """Return who holds the lease, None where it cannot be read, and the version to replace it by."""
        found = requests.first_bytes(self._objects, self._path, _LARGEST)
        version = _version(found.meta)
        try:
            return msgspec.json.decode(found.data, type=Holder), version
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None, version


def lease_s() -> float:
    """Return how many seconds a lease holds without a sign of life."""
    return seconds_from_environment("PIPELINE_LEASE_SECONDS")


def _version(meta: Any) -> dict[str, str]:
    return {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}


def _machine() -> str:
    """Return what tells this start of this system, and its set of process numbers, from all others."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    with suppress(OSError), open(f"/proc/{process}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0] not in (
            b"Z",
            b"X",
        )  # dead, and nobody has looked after it yet
    return True
