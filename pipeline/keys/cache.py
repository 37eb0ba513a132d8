"""What this machine remembers to save time; losing it costs nothing but time.

A cache file carries a digest of its name and content: one that was damaged, cut off, exchanged with another, written
in another format or is no plain file is as if it were not there.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from pipeline.errors import ConfigError
from store import expand_home, read_plain_file
from store.errors import UnknownHome

_FORMAT = b"harvest-cache 1 "  # followed by the digest, 64 hexadecimal digits and a line end; then the content
_HEAD = len(_FORMAT) + 65


def cache_folder() -> Path:
    """Return the folder for caches: ``PIPELINE_CACHE``, or ``harvest`` in the user's cache folder."""
    named = os.environ.get("PIPELINE_CACHE")
    if named:
        return expand_home(named).absolute()
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or expand_home("~/.cache")) / "harvest"
    except UnknownHome:
        raise ConfigError(
            "this user has no home folder, and so no place for caches\n"
            "  set PIPELINE_CACHE to a folder that is theirs, or HOME"
        ) from None


def read_cache(path: Path) -> bytes | None:
    """Return the content that `write_cache` left; None where there is none, or not as it was written."""
    try:
        data = read_plain_file(path)
    except OSError:
        return None
    content = memoryview(data)[_HEAD:]
    return bytes(content) if data[:_HEAD] == _head(path.name, content) else None


def write_cache(path: Path, content: bytes) -> None:
    """Replace a cache file as a whole; one that cannot be written is done without."""
    with suppress(OSError):
        write_atomically(path, _head(path.name, content) + content)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file as a whole, so that a reader or a crash never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.urandom(6).hex()}")
    try:
        with temporary.open("xb") as file:  # not `mkstemp`, whose files only their owner can read
            file.write(content)
            _share_as_its_folder(file.fileno(), path.parent)
        os.replace(temporary, path)
    except BaseException:  # raised again below; only the half-written file goes
        temporary.unlink(missing_ok=True)
        raise


def _share_as_its_folder(descriptor: int, folder: Path) -> None:
    """Let those use a file who may write to its folder, whatever the umask is: a group's, say."""
    shared = os.stat(folder).st_mode
    if shared & (stat.S_IWGRP | stat.S_IWOTH):
        wanted = shared & (stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH)
        with suppress(OSError):  # a share that decides by itself who may do what
            os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode) | wanted)


def _head(name: str, content: bytes | memoryview) -> bytes:
    checksum = hashlib.sha256(os.fsencode(name) + b"\0")
    checksum.update(content)
    return _FORMAT + checksum.hexdigest().encode() + b"\n"
