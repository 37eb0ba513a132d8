"""The folders that a run writes to: their disk, and whether what a store relies on works there."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pipeline.doctor.experiment import Named
from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.formatting import size
from pipeline.keys.cache import cache_folder
from store import expand_home

_LITTLE, _TOO_LITTLE = 5e9, 100e6  # bytes
_NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "afs", "orangefs",
    "virtiofs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs",
}  # fmt: skip


class Place(NamedTuple):
    """A folder under a name, resolved when it is looked at."""

    topic: str
    folder: Callable[[], Path]

    def find(self) -> Iterator[Finding]:
        """Look at the folder."""
        return look(self.topic, self.folder())


def places(named: Named) -> list[Place]:
    """Return the folders of an experiment and of this user."""
    found = [Place("cache", cache_folder), Place("temporary files", lambda: Path(tempfile.gettempdir()))]
    if named.store and (folder := local_folder(named.store, named.base)) is not None:
        found.insert(0, Place("store's disk", folder))
    return found


def local_folder(url: str, base: Path) -> Callable[[], Path] | None:
    """Return what resolves a store's folder; None where it is no folder."""
    if url.lower().startswith("file://"):
        return lambda: Path(unquote(urlsplit(url).path))
    return None if "://" in url else lambda: (base / expand_home(url)).absolute()


def look(topic: str, folder: Path) -> Iterator[Finding]:
    """Say what disk a folder is on and how much is free, and try a lock, a rename and a link there."""
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        yield problem(topic, f"{there} is no folder, so {folder} cannot be one", "move it away, or name another place")
        return
    kind = file_system(there)
    free = shutil.disk_usage(there).free
    place = f"{folder}{'' if there == folder else ' (not there yet)'}: {kind or 'unknown file system'}"
    what = f"{place}, {size(free)} free"
    if free < _TOO_LITTLE:
        yield problem(topic, what, "free space there, or name another place")
    elif free < _LITTLE:
        yield note(topic, what, "features may take more: `pipeline status` says how much, `pipeline gc` frees")
    elif kind in _NETWORK:
        yield note(
            topic, f"{what}; it is a network share", "a disk of this machine is faster, and can push to the share"
        )
    else:
        yield ok(topic, what)
    yield from trial(topic, there)


def trial(topic: str, folder: Path) -> Iterator[Finding]:
    """Write, lock, rename and link files of a temporary folder, which is removed again."""
    try:
        inside = Path(tempfile.mkdtemp(prefix=".harvest-doctor-", dir=folder))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            yield problem(topic, f"{folder} cannot be written to: {error.strerror}", _to_write(folder, error))
            return
        raise
    try:
        failed = list(_failures(inside))
    finally:
        shutil.rmtree(inside, ignore_errors=True)
    if inside.exists():
        yield problem(topic, f"{inside} cannot be removed again", "remove it, and see who may delete there")
    for what, repair in failed:
        yield problem(topic, f"{folder}: {what}", repair)
    if not failed:
        yield ok(topic, "writing, locks, renames and links work")


def _to_write(folder: Path, error: OSError) -> str:
    """Say what lets this user write to a folder."""
    if error.errno == errno.EROFS:
        return "its file system is mounted to be read only: mount it otherwise, or name another place"
    if folder.stat().st_uid != os.geteuid():
        return "it is another user's, who can share it (docs/sharing.md); or name another place"
    return "chmod -R u+rwX it, or name another place"


def _failures(inside: Path) -> Iterator[tuple[str, str]]:
    one, other = inside / "one", inside / "other"
    elsewhere = "put the store on a file system that can: a disk of this machine, or NFS 4"
    try:
        for file in (one, other):
            with file.open("xb") as opened:
                opened.write(file.name.encode())
                os.fsync(opened.fileno())
    except OSError as error:
        yield f"a file cannot be written: {error.strerror}", "free space there, or name another place"
        return
    try:
        if not _excludes(one):
            yield "a lock (flock) does not keep others out", elsewhere
    except OSError as error:
        yield f"files cannot be locked (flock): {error.strerror}", elsewhere
    try:
        os.replace(one, other)
        if other.read_bytes() != b"one" or one.exists():
            yield "a rename over a file leaves the old one", elsewhere
    except OSError as error:
        yield f"a file cannot be renamed over another: {error.strerror}", elsewhere
    try:
        os.link(other, one)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            yield f"files cannot be linked: {error.strerror}", elsewhere


def _excludes(file: Path) -> bool:
    """Tell whether a second descriptor is refused a lock that the first one has."""
    import fcntl

    with file.open("rb+") as first, file.open("rb+") as second:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return True
            raise
        return False


def file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the type of the file system that a folder is on, such as ``ext4``; empty where that is unknown."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    real, best, kind = os.path.realpath(folder), "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode("ascii", "surrogateescape").decode("unicode_escape") if after else ""
        if point and (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind
