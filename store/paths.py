"""Where things lie in a store, and which names may lie there."""

from __future__ import annotations

import re

from store.errors import UnsafePath

FORMAT_PATH = "store.json"
JOURNAL = ".journal"
SCRATCH = ".scratch"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+-]{0,199}")
_ATTEMPT = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}")
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.partial")


def check_name(name: str, what: str) -> str:
    """Return a stage's or key's name if it can be a folder's name everywhere, else raise UnsafePath."""
    if not is_name(name):
        raise UnsafePath(f"{what} {name!r} cannot name a folder; use letters, digits and any of . _ = + -")
    return name


def is_name(name: str) -> bool:
    """Tell whether a name can be a stage's, a key's or a reference's."""
    return _NAME.fullmatch(name) is not None and not name.endswith(".")


def check_path(path: str, where: str) -> str:
    """Return an object's path if it stays inside its output, else raise UnsafePath.

    Parameters
    ----------
    path : str
        Relative, with forward slashes: no empty part, no ``.`` or ``..``, no backslash, no drive or colon, no
        control character.
    where : str
        Who names the path, for the message.
    """
    parts = path.split("/")
    safe = (
        all(part not in ("", ".", "..") for part in parts)
        and not any(mark in path for mark in ("\\", ":"))
        and path.isprintable()
        and not _TEMPORARY.fullmatch(parts[-1])
    )
    if not safe:
        raise UnsafePath(
            f"{where} names the path {path!r}, which does not stay inside its output; "
            "nothing was read or written. Do not trust this store: delete that output and make it again"
        )
    return path


def output_prefix(stage: str, key: str) -> str:
    """Return the folder of one output, after checking both names."""
    return f"outputs/{check_name(stage, 'the stage')}/{check_name(key, 'the key')}"


def manifest_path(stage: str, key: str) -> str:
    """Return the path of one output's manifest: it exists, or there is no output."""
    return f"{output_prefix(stage, key)}/manifest.json"


def lock_path(stage: str, key: str) -> str:
    """Return the path of the file that a draft's owner locks."""
    return f"{output_prefix(stage, key)}/lock"


def is_attempt(name: str) -> bool:
    """Tell whether a name is that of an attempt: its start in UTC and eight random hex digits."""
    return _ATTEMPT.fullmatch(name) is not None


def attempt_of(name: str) -> str | None:
    """Return the attempt that a child of an output's folder belongs to (its objects, journal or scratch)."""
    attempt = name.removesuffix(JOURNAL).removesuffix(SCRATCH)
    return attempt if is_attempt(attempt) else None


def is_temporary(path: str) -> bool:
    """Tell whether a file is one that a killed writer left beside its target."""
    return _TEMPORARY.fullmatch(path.rpartition("/")[2]) is not None


def temporary_name(random: str) -> str:
    """Return the name of a file to write beside its target; `random` is sixteen hex digits."""
    return f".{random}.partial"


def quarantine_prefix(stage: str, key: str) -> str:
    """Return the folder of what was found damaged of one output: never read, kept until it is cleaned."""
    return f"quarantine/{check_name(stage, 'the stage')}/{check_name(key, 'the key')}"


def ref_path(name: str) -> str:
    """Return the path of the record of who uses what."""
    return f"refs/{check_name(name, 'the reference')}"
