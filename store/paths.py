"""The paths of everything in a store, and which names are allowed in them."""

from __future__ import annotations

import os
import re

from store.errors import UnsafePath

OutputName = tuple[str, str]  # stage and key

FORMAT_PATH = "store.json"
JOURNAL = ".journal"
SCRATCH = ".scratch"
# Marks of an attempt, in its scratch.
SHARED = "open-to-others"  # others than the owner may write into it, even when nobody holds the lock
RESTARTED = "begun-anew"  # it began without anything of the attempts before it
BEING_DELETED = "being-freed"  # somebody deletes it, and may yet go on with that: nobody is to write under its name
MARKS = {SHARED, RESTARTED, BEING_DELETED}  # they are of their own attempt alone, and never copied

_MAX_PATH_BYTES = 1024
_MAX_PART_BYTES = 255  # of a file's name, on every system

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+-]{0,199}")
_ATTEMPT = re.compile(r"[0-9]{8}T[0-9]{12}Z-[0-9a-f]{8}")
_UNSAFE = re.compile(
    r"""[\\:*?"<>|]"""  # not allowed on Windows, where backslash and colon also start absolute paths
    r"""|(?:^|/)(?:/|$)|[. ](?:/|$)"""  # empty parts, . and .., and endings that Windows removes
    r"""|(?:^|/)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.[^/]*)?(?:/|$)"""  # devices on Windows
    r"""|[^/]{256}""",
    re.IGNORECASE,
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.partial")


def check_name(name: str, what: str) -> str:
    """Return the name of a stage, key or reference if it can name a folder on every system, else raise UnsafePath."""
    if not is_name(name):
        raise UnsafePath(f"{what} {name!r} cannot name a folder; use letters, digits and any of . _ = + -")
    return name


def is_name(name: str) -> bool:
    """Return whether a name can be that of a stage, a key or a reference."""
    return _NAME.fullmatch(name) is not None and not name.endswith(".")


def check_path(path: str, where: str) -> str:
    """Return an object's path if it stays inside its output, else raise UnsafePath.

    Parameters
    ----------
    path : str
        Relative, with forward slashes: no empty part, no ``.`` or ``..``, none of ``\\ : * ? " < > |``, no control
        character, no part that ends in a dot or a space or that names a device on Windows (``nul``, ``com1``), at most
        1,024 bytes in all and 255 in a part.
    where : str
        The manifest or writer that names the path, for the message.
    """
    if not _is_safe(path):
        raise UnsafePath(
            f"{where} names the path {path[:300]!r}, which does not stay inside its output on every system; "
            "nothing was read or written. Do not trust this store: delete that output and make it again"
        )
    return path


def _is_safe(path: str) -> bool:
    if not path.isprintable() or _UNSAFE.search(path) or _TEMPORARY.fullmatch(path.rpartition("/")[2]):
        return False
    sizes = (len(part.encode()) for part in path.split("/")) if not path.isascii() else ()
    return len(path.encode()) <= _MAX_PATH_BYTES and all(size <= _MAX_PART_BYTES for size in sizes)


def output_prefix(stage: str, key: str) -> str:
    """Return the folder of one output, after checking both names."""
    return f"outputs/{check_name(stage, 'the stage')}/{check_name(key, 'the key')}"


def manifest_path(stage: str, key: str) -> str:
    """Return the path of an output's manifest; without that object, the output is not published."""
    return f"{output_prefix(stage, key)}/manifest.json"


def lock_path(stage: str, key: str) -> str:
    """Return the path that the owner of a draft locks."""
    return f"{output_prefix(stage, key)}/lock"


def is_attempt(name: str) -> bool:
    """Return whether a name is that of an attempt: its start in UTC and eight random hex digits."""
    return _ATTEMPT.fullmatch(name) is not None


def attempt_of(name: str) -> str | None:
    """Return the attempt that a child of an output's folder belongs to (its objects, journal or scratch)."""
    attempt = name.removesuffix(JOURNAL).removesuffix(SCRATCH)
    return attempt if is_attempt(attempt) else None


def is_of_output(child: str) -> bool:
    """Return whether an entry of an output's folder is one that a writer makes; all others are foreign to the store."""
    return child in ("manifest.json", "lock") or attempt_of(child) is not None or is_temporary(child)


def is_of_store(path: str) -> bool:
    """Return whether an object below one of the store's folders (``outputs/``, ``refs/``, ...) is part of the format.

    There may be foreign objects: files that were in the folder before the store, those that a desktop leaves in every
    folder, or the empty object that stands for a folder in a bucket.
    """
    top, *names = path.split("/")
    parents, last = names[:-1], names[-1] if names else ""
    if top in ("refs", "runs"):
        locked = last[1:].removesuffix(".lock") if last.startswith(".") and last.endswith(".lock") else last
        in_place = len(parents) == (top == "runs") and all(map(is_name, parents))
        return in_place and (is_name(locked) or is_temporary(last))
    if len(names) < 3 or not all(map(is_name, names[:2])):
        return False
    child, below = names[2], len(names) > 3
    if top == "outputs":
        return is_of_output(child) and below == (attempt_of(child) is not None)
    if top == "families":
        return not below and _DIGEST.fullmatch(parents[1]) is not None and (is_name(child) or is_temporary(child))
    return top == "quarantine" and below and is_attempt(child)


def is_temporary(path: str) -> bool:
    """Return whether a file is a temporary one, which a killed writer may leave beside its target."""
    return _TEMPORARY.fullmatch(path.rpartition("/")[2]) is not None


def temporary_name() -> str:
    """Return a new random name for a file to write beside its target."""
    return f".{os.urandom(8).hex()}.partial"


def quarantine_prefix(stage: str, key: str) -> str:
    """Return the folder of an output's damaged attempts, which are never read and are kept until garbage collection."""
    return f"quarantine/{check_name(stage, 'the stage')}/{check_name(key, 'the key')}"


def ref_lock_path(name: str) -> str:
    """Return the path that is locked to change a reference; no reference can have such a name."""
    return f"refs/.{check_name(name, 'the reference')}.lock"


def ref_path(name: str) -> str:
    """Return the path of a reference: the record of which outputs somebody uses."""
    return f"refs/{check_name(name, 'the reference')}"


def run_path(group: str, name: str) -> str:
    """Return the path of a record of what was run."""
    return f"runs/{check_name(group, 'the group')}/{check_name(name, 'the record')}"


def run_lock_path(group: str, name: str) -> str:
    """Return the path that is locked while a run goes on, or records are made; no record can have such a name."""
    return f"runs/{check_name(group, 'the group')}/.{check_name(name, 'the record')}.lock"
