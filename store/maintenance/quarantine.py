"""Setting a damaged output aside: nothing reads it again, and it can still be looked at until it is cleaned."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from store.backends.base import Backend
from store.paths import is_attempt, lock_path, manifest_path, output_prefix, quarantine_prefix
from store.writing.attempts import new_attempt

_ATTEMPT_FIELD = re.compile(rb'"attempt"\s*:\s*"([0-9A-Za-z-]{1,60})"')
_HEAD_BYTES = 4096  # a manifest names its attempt in the first lines


def quarantine(root: Backend, stage: str, key: str, reason: str, attempt: str | None = None) -> str:
    """Move an output's manifest, then its attempt, to ``quarantine/<stage>/<key>/<attempt>/``.

    The reason goes there first, the manifest next: whenever this is killed, there is either the output as it was
    or none. Objects lie below ``objects/`` there. A manifest that names no attempt goes alone; what it described
    is left to the next draft, which trusts nothing of it.

    Parameters
    ----------
    reason : str
        What is wrong, for ``why.json``.
    attempt : str, optional
        Move this attempt only: where another one has been published since, nothing is moved.

    Returns
    -------
    str
        Where it lies now, as a folder or URL.

    Raises
    ------
    DraftLocked
        Another process writes this output now.
    """
    folder = output_prefix(stage, key)
    nowhere = f"{root.url}/{quarantine_prefix(stage, key)}"
    if root.size(manifest_path(stage, key)) is None:  # another process found the damage, too
        return nowhere
    with root.lock(lock_path(stage, key), f"{stage}/{key} in {root.url}"):
        if root.size(manifest_path(stage, key)) is None:
            return nowhere
        named = _attempt_in(root, manifest_path(stage, key))
        if attempt is not None and named not in (attempt, None):
            return f"{root.url}/{quarantine_prefix(stage, key)}/{attempt}"
        target = f"{quarantine_prefix(stage, key)}/{named or new_attempt()}"
        if root.list_dir(target):  # this attempt was set aside before, and fetched again
            target = f"{quarantine_prefix(stage, key)}/{new_attempt()}"
        _write_reason(root, target, stage, key, named, reason)
        root.move_all(manifest_path(stage, key), f"{target}/manifest.json")
        if named:
            root.move_all(f"{folder}/{named}", f"{target}/objects")
    return f"{root.url}/{target}"


def replace_published(root: Backend, stage: str, key: str, manifest: bytes, reason: str) -> None:
    """Put a manifest, whose objects are there, over the published one, and set that aside with its objects.

    Whoever calls holds the lock. Killed at any moment this leaves the old output or the new one.
    """
    path = manifest_path(stage, key)
    named = _attempt_in(root, path)
    target = f"{quarantine_prefix(stage, key)}/{new_attempt()}"
    _write_reason(root, target, stage, key, named, reason)
    root.put(f"{target}/manifest.json", root.read(path), durable=True)
    root.put(path, manifest, durable=True)
    if named:
        root.move_all(f"{output_prefix(stage, key)}/{named}", f"{target}/objects")


def _attempt_in(root: Backend, path: str) -> str | None:
    """Return the attempt that a manifest, which may be damaged, names; None where it names none."""
    try:
        match = _ATTEMPT_FIELD.search(root.read(path, 0, _HEAD_BYTES))
    except FileNotFoundError:
        return None
    name = match[1].decode() if match else ""
    return name if is_attempt(name) else None


def _write_reason(root: Backend, target: str, stage: str, key: str, attempt: str | None, reason: str) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    note = {"stage": stage, "key": key, "attempt": attempt, "why": reason, "since": since}
    root.put(f"{target}/why.json", json.dumps(note, indent=1).encode() + b"\n", durable=True)
