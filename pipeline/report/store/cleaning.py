"""What cleaning would free, or has freed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.formatting import counted, shortened, size
from pipeline.report.formats.text_table import table
from store import GarbageCollection, GarbageItem, IrregularPath, Ref

_MOST_LINES = 40
_MOST_FOREIGN = 5  # named in one line
_UNTOUCHED_S = 90 * 86400.0  # a reference that no run wrote to for so long may be nobody's any more
_NOUNS = {
    "output": "output",
    "unfinished": "unfinished output",
    "attempt": "superfluous attempt",
    "temporary": "temporary file",
    "quarantine": "damaged output",
    "marker": "marker",
}


def as_text(collection: GarbageCollection, url: str) -> str:
    """Write the largest as a table, then the total, then the references that may be nobody's."""
    listed = sorted(collection.garbage, key=lambda each: (-each.bytes, each.path))
    text = []
    if listed:
        rows = [[what(s), s.reason, age(collection.now - s.last_modified), size(s.bytes)] for s in listed[:_MOST_LINES]]
        text = [table(["what", "why", "age", "size"], rows, right=[2, 3])]
        rest = listed[_MOST_LINES:]
        text += [f"and {len(rest):,} more ({size(_bytes(rest))}); --json lists them all"] if rest else []
        text.append("")
    text += [f"{name} would be forgotten" for name in collection.drop_refs]
    text.append(f"{_kept(collection)} in {url}")
    if listed:
        text.append(f"can be freed: {_counts(listed)}, {size(_bytes(listed))} together. Add --yes to free it")
    else:
        text.append("nothing can be freed")
    return "\n".join([*text, *_notes(collection)])


def freed_text(collection: GarbageCollection, not_freed: Mapping[str, str]) -> str:
    """Say what was freed, and what was not and why."""
    freed = [scrap for scrap in collection.garbage if scrap.path not in not_freed]
    kept = [scrap for scrap in collection.garbage if scrap.path in not_freed]
    lines = [f"left {what(scrap)}: {not_freed[scrap.path]}" for scrap in kept]
    lines += [f"forgot {name}" for name in collection.drop_refs]
    done = f"freed {_counts(freed)}, {size(_bytes(freed))} together" if freed else "nothing was freed"
    return "\n".join([*lines, f"{done}; {_kept(collection)}", *_notes(collection)])


def as_json(collection: GarbageCollection, url: str, not_freed: Mapping[str, str] | None) -> dict[str, Any]:
    """Return all of it; `not_freed` is None, and ``freed`` null, where nothing was to be."""
    why = not_freed or {}
    return {
        "store": url,
        "grace_s": collection.grace_s,
        "scraps": [
            {
                "what": scrap.kind,
                "path": scrap.path,
                "why": scrap.reason,
                "age_s": round(collection.now - scrap.last_modified, 1),
                "bytes": scrap.bytes,
                "objects": scrap.objects,
                "freed": None if not_freed is None else scrap.path not in why,
                "left": why.get(scrap.path),
            }
            for scrap in collection.garbage
        ],
        "bytes": _bytes(scrap for scrap in collection.garbage if scrap.path not in why),
        "outputs": len(collection.inventory.published),
        "refs": [ref_json(ref) for ref in collection.refs.values()],
        "forgotten": list(collection.drop_refs),
        "irregular": [{"path": each.path, "is": each.what} for each in collection.inventory.irregular],
        "not_of_this_store": sorted(collection.inventory.foreign),
    }


def ref_json(ref: Ref, called: str = "name") -> dict[str, Any]:
    """Return what is known of who uses outputs."""
    return {called: ref.name, "who": ref.owner, "path": ref.path, "written": ref.written}


def what(scrap: GarbageItem) -> str:
    """Name a scrap briefly: the stage and the beginning of the key of an output."""
    parts = scrap.path.split("/")
    if scrap.kind in ("output", "unfinished", "attempt", "quarantine"):
        return f"{parts[1]} {parts[2][:12]}"
    return scrap.path if len(scrap.path) <= 44 else f"{parts[0]}/.../{parts[-1][:28]}"


def age(seconds: float) -> str:
    """Write an age in its largest unit."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if count := int(seconds // length):
            return counted(count, unit)
    return "now"


def _kept(collection: GarbageCollection) -> str:
    outputs = sum(scrap.kind == "output" for scrap in collection.garbage)
    kept = counted(len(collection.inventory.published) - outputs, "output")
    grace = age(collection.grace_s) if collection.grace_s >= 60 else f"{collection.grace_s:g} s"
    young = f", or younger than {grace}" if collection.grace_s else ""
    runs = sum(map(_is_kept_run, collection.refs))
    users = counted(len(collection.refs) - runs, "experiment") + (f" and {counted(runs, 'kept run')}" if runs else "")
    return f"{kept} kept (used by {users}{young})"


def _is_kept_run(reference: str) -> bool:
    """Tell whether a reference is that of a run that `pipeline runs keep` keeps."""
    return reference.removesuffix(".json").rpartition(".")[2].isdecimal()


def _counts(scraps: Iterable[GarbageItem]) -> str:
    counts = Counter[str](scrap.kind for scrap in scraps)
    return ", ".join(counted(counts[kind], noun) for kind, noun in _NOUNS.items() if kind in counts)


def _bytes(scraps: Iterable[GarbageItem]) -> int:
    return sum(scrap.bytes for scrap in scraps)


def _notes(collection: GarbageCollection) -> list[str]:
    notes = irregular_notes(collection.inventory.irregular) + foreign_notes(collection.inventory.foreign)
    if collection.has_no_references and collection.inventory.published:
        notes.append(
            "note: no experiment is known here (refs/ is empty), so every output stays;\n"
            "  `pipeline run` and `pipeline push` make an experiment known"
        )
    experiments = [ref for name, ref in collection.refs.items() if not _is_kept_run(name)]
    stale = [ref for ref in experiments if ref.age_s is None or ref.age_s > _UNTOUCHED_S]
    if stale:
        notes.append("experiments that no run has changed for long; one that nobody needs goes with --forget NAME:")
        notes += [f"  {_whose(ref)}" for ref in stale]
    return notes


def irregular_notes(irregular: Sequence[IrregularPath]) -> list[str]:
    """Name what is neither a plain file nor a folder."""
    if not irregular:
        return []
    return [
        "note: nothing in a store is followed, used or freed that is not a plain file or folder in its place:",
        *(f"  {line}" for line in shortened([f"{each.path}, {each.what}" for each in irregular], _MOST_LINES)),
        "  put what it stands for in its place, or move it away. To have a store on another disk, let the whole store\n"
        "  folder be a link, or mount the disk there (`mount --bind`)",
    ]


def foreign_notes(foreign: Sequence[str]) -> list[str]:
    """Name in one line what lies in the store's folders and is not of this store."""
    named = ", ".join(shortened(sorted(foreign), _MOST_FOREIGN))
    return [f"note: not of this store, neither used nor freed: {named}"] if named else []


def _whose(ref: Ref) -> str:
    if ref.age_s is None:
        return f"{ref.name} (by an earlier version)"
    return f"{ref.name} ({age(ref.age_s)}, {ref.owner}, {ref.path})"
