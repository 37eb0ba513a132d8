"""Validating a manifest before anything of it is used; a stranger may have written it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import ne
from typing import Any, TypeAlias, TypeVar

import msgspec

from store.canonical import digest_of_json
from store.errors import UnsupportedFormat
from store.manifest.limits import MANIFEST_BYTES, MIB, OBJECT_BYTES, OBJECTS, OUTPUT_BYTES, RECIPE_BYTES
from store.manifest.schema import FORMAT, NOT_IN_FAMILY, Manifest, ObjectEntry
from store.manifest.self_digest import MEMBER, check_digest
from store.paths import check_path, is_attempt, is_name

T = TypeVar("T")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_BOUNDED = ("recipe", "inputs", "provenance")

Contradiction: TypeAlias = Callable[[str, str, Mapping[str, Any], Sequence[str]], str | None]
"""Returns what an output's recipe contradicts, given its stage, key, recipe and inputs: only who makes keys knows."""


class _Outline(msgspec.Struct):
    """The members that are checked before the rest is parsed; the large ones stay bytes."""

    format: int
    recipe: msgspec.Raw = msgspec.Raw()
    inputs: msgspec.Raw = msgspec.Raw()
    provenance: msgspec.Raw = msgspec.Raw()
    sha256: str | None = None


def check_outline(data: bytes, where: str) -> bool:
    """Check a manifest's size, its digest, its format and the sizes of its parts, without building their values.

    Returns
    -------
    bool
        Whether it has a digest of itself; those of earlier versions have none.

    Raises
    ------
    UnsupportedFormat
        It is of another format than this version reads.
    ValueError
        With what is wrong.
    """
    if len(data) > MANIFEST_BYTES:
        raise ValueError(f"it has more than {MANIFEST_BYTES // MIB} MiB")
    outline = parse_json(data, _Outline)
    has_digest = check_digest(data)
    if outline.sha256 is not None and not has_digest:
        raise ValueError(f"its {MEMBER} is not its last member, in lower-case hex")
    if outline.format != FORMAT:
        raise UnsupportedFormat(
            f"{where} has format {outline.format}; this version reads {FORMAT}. "
            "Upgrade this program or use another store"
        )
    for name in _BOUNDED:
        if len(memoryview(getattr(outline, name))) > RECIPE_BYTES:
            raise ValueError(f"its {name} has more than {RECIPE_BYTES // MIB} MiB")
    return has_digest


def misspelt(inputs: Iterable[str], known: Iterable[str]) -> str | None:
    """Return a message about an input that does not exist, where a key exists that differs from it in one character.

    That is what a flipped bit makes of a key. Two SHA-256 are never so much alike.
    """
    existing = set(known)
    for key in (each for each in inputs if each not in existing):
        half = len(key) // 2
        for other in existing:
            # Keys that differ in one character have an equal half: comparing halves first is much faster.
            similar = other[:half] == key[:half] or other[half:] == key[half:]
            if similar and len(other) == len(key) and _SHA256.fullmatch(other) and sum(map(ne, other, key)) == 1:
                return f"it names the input {key}, which is not there; {other} is"
    return None


def check_manifest(manifest: Manifest, stage: str, key: str, where: str) -> None:
    """Check that a parsed manifest is that of `stage` and `key`, and names nothing outside its output.

    Raises
    ------
    UnsafePath
        An object's path leaves the output, or could not be stored everywhere.
    ValueError
        With what is wrong.
    """
    if (manifest.stage, manifest.key) != (stage, key):
        raise ValueError(f"it is the manifest of {manifest.stage[:99]!r}, {manifest.key[:99]!r}")
    if not is_attempt(manifest.attempt):
        raise ValueError(f"it names the attempt {manifest.attempt[:99]!r}")
    if not _is_time(manifest.created):
        raise ValueError(f"it was created at {manifest.created[:99]!r}, which is no time with a zone")
    wrong = next((each for each in manifest.inputs if not is_name(each)), None)
    if wrong is not None:
        raise ValueError(f"it names the input {wrong[:99]!r}, which is no key")
    check_objects(manifest.objects, where)
    if all(manifest.family != family_of(manifest.recipe, without) for without in (NOT_IN_FAMILY, NOT_IN_FAMILY[:1])):
        raise ValueError(f"its family {manifest.family[:99]!r} is not that of its recipe")


def check_objects(objects: Sequence[ObjectEntry], where: str) -> None:
    """Check every object's path, size and SHA-256, and that all of them can lie in one folder of any system.

    Raises
    ------
    UnsafePath, ValueError
        As `check_manifest`.
    """
    if len(objects) > OBJECTS:
        raise ValueError(f"it lists more than {OBJECTS} objects")
    total, files, folders = 0, dict[str, str](), dict[str, str]()
    for entry in objects:
        check_path(entry.path, where)
        if not 0 <= entry.size <= OBJECT_BYTES or not _SHA256.fullmatch(entry.sha256):
            raise ValueError(
                f"{entry.path} has no valid size (up to {OBJECT_BYTES // MIB} MiB) and SHA-256 in lower-case hex"
            )
        total += entry.size
        folded = _fold(entry.path)
        if folded in files:
            twice = "twice" if files[folded] == entry.path else f"and {files[folded]}, one file to many systems"
            raise ValueError(f"it lists {entry.path} {twice}")
        files[folded] = entry.path
        while folded := folded.rpartition("/")[0]:
            if folded in folders:
                break
            folders[folded] = entry.path
    both = next((folded for folded in folders if folded in files), None)
    if both is not None:
        raise ValueError(f"it lists {files[both]} and {folders[both]}; a file cannot be a folder, too")
    if total > OUTPUT_BYTES:
        raise ValueError(f"its objects have {total} bytes, more than {OUTPUT_BYTES}")


def parse_json(data: bytes, type_: type[T]) -> T:
    """Parse JSON into a type that msgspec knows; ValueError with what is wrong, whatever it is."""
    try:
        return msgspec.json.decode(data, type=type_)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


def _fold(path: str) -> str:
    """Return one form for all paths that are the same to a system which ignores case and Unicode normal forms."""
    return (
        path.lower() if path.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
    )


def _is_time(text: str) -> bool:
    try:
        return len(text) < 50 and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def family_of(recipe: Mapping[str, Any], without: Sequence[str] = NOT_IN_FAMILY) -> str:
    """Return the digest of a recipe (JSON values) without its raw data and the entry that says which row is whose."""
    try:
        return digest_of_json({name: value for name, value in recipe.items() if name not in without})
    except RecursionError:
        raise ValueError("its recipe is nested too deeply") from None
