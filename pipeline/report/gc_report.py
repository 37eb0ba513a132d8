"""What cleaning would free, or has freed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.formatting import size
from pipeline.report.results_text import table
from store import GarbageCollection, GarbageItem, IrregularPath, Ref

_MOST_LINES = 40
_MOST_FOREIGN = 5  # named in one line
_UNTOUCHED_S = 90 * 86400.0  # a reference that no run wrote to for so long may be nobody's any more


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


def freed_text(collection: GarbageCollection, left: Mapping[str, str]) -> str:
    """Say what was freed, and what was left and why."""
    freed = [scrap for scrap in collection.garbage if scrap.path not in left]
    lines = [f"left {what(scrap)}: {left[scrap.path]}" for scrap in collection.garbage if scrap.path in left]
    lines += [f"forgot {name}" for name in collection.drop_refs]
    done = f"freed {_counts(freed)}, {size(_bytes(freed))} together" if freed else "nothing was freed"
    return "\n".join([*lines, f"{done}; {_kept(collection)}", *_notes(collection)])


def as_json(collection: GarbageCollection, url: str, left: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return all of it; `freed` is null where nothing was to be."""
    listed = []
    for scrap in collection.garbage:
        freed = None if left is None else scrap.path not in left
        listed.append(
            {
                "what": scrap.kind,
                "path": scrap.path,
                "why": scrap.reason,
                "age_s": round(collection.now - scrap.last_modified, 1),
                "bytes": scrap.bytes,
                "objects": scrap.objects,
                "freed": freed,
                "left": (left or {}).get(scrap.path),
            }
        )
    return {
        "store": url,
        "grace_s": collection.grace_s,
        "scraps": listed,
        "bytes": _bytes(s for s in collection.garbage if not left or s.path not in left),
        "outputs": len(collection.inventory.published),
        "refs": [
            {"name": ref.name, "who": ref.owner, "path": ref.path, "written": ref.written}
            for ref in collection.refs.values()
        ],
        "forgotten": list(collection.drop_refs),
        "irregular": [{"path": each.path, "is": each.what} for each in collection.inventory.irregular],
        "not_of_this_store": sorted(collection.inventory.foreign),
    }


def what(scrap: GarbageItem) -> str:
    """Name a scrap briefly: the stage and the beginning of the key of an output."""
    parts = scrap.path.split("/")
    if scrap.kind in ("output", "unfinished", "attempt", "quarantine"):
        return f"{parts[1]} {parts[2][:12]}"
    return scrap.path if len(scrap.path) <= 44 else f"{parts[0]}/.../{parts[-1][:28]}"


def age(seconds: float) -> str:
    """Write an age in its largest unit."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "now"


def _kept(collection: GarbageCollection) -> str:
    outputs = sum(1 for scrap in collection.garbage if scrap.kind == "output")
    kept = len(collection.inventory.published) - outputs
    used = f"used by {len(collection.refs)} experiment{'s' if len(collection.refs) != 1 else ''}"
    young = f", or younger than {_grace(collection)}" if collection.grace_s else ""
    return f"{kept:,} output{'s' if kept != 1 else ''} kept ({used}{young})"


def _grace(collection: GarbageCollection) -> str:
    return age(collection.grace_s) if collection.grace_s >= 60 else f"{collection.grace_s:g} s"


_COUNTED = {
    "output": "output",
    "unfinished": "unfinished output",
    "attempt": "superfluous attempt",
    "temporary": "temporary file",
    "quarantine": "damaged output",
    "marker": "marker",
}


def _counts(scraps: Iterable[GarbageItem]) -> str:
    counts: dict[str, int] = {}
    for scrap in scraps:
        counts[scrap.kind] = counts.get(scrap.kind, 0) + 1
    return ", ".join(
        f"{counts[k]:,} {word}{'s' if counts[k] > 1 else ''}" for k, word in _COUNTED.items() if k in counts
    )


def _bytes(scraps: Iterable[GarbageItem]) -> int:
    return sum(scrap.bytes for scrap in scraps)


def _notes(collection: GarbageCollection) -> list[str]:
    notes = irregular_notes(collection.inventory.irregular) + foreign_notes(collection.inventory.foreign)
    if collection.has_no_references and collection.inventory.published:
        notes.append(
            "note: no experiment is known here (refs/ is empty), so every output stays;\n"
            "  `pipeline run` and `pipeline push` make an experiment known"
        )
    stale = [ref for ref in collection.refs.values() if ref.age_s is None or ref.age_s > _UNTOUCHED_S]
    if stale:
        notes.append("experiments that no run has changed for long; one that nobody needs goes with --forget NAME:")
        notes += [f"  {_whose(ref)}" for ref in stale]
    return notes


def irregular_notes(found: Sequence[IrregularPath]) -> list[str]:
    """Name what is neither a plain file nor a folder."""
    if not found:
        return []
    more = [f"  and {len(found) - _MOST_LINES:,} more"] if len(found) > _MOST_LINES else []
    return [
        "note: nothing in a store is followed, used or freed that is not a plain file or folder:",
        *(f"  {each.path}, {each.what}" for each in found[:_MOST_LINES]),
        *more,
        "  put what it stands for in its place, or delete it. To have a store on another disk, let the whole store\n"
        "  folder be a link, or mount the disk there (`mount --bind`)",
    ]


def foreign_notes(found: Sequence[str]) -> list[str]:
    """Name in one line what lies in the store's folders and is not of this store."""
    if not found:
        return []
    named = sorted(found)[:_MOST_FOREIGN]
    more = f" and {len(found) - len(named):,} more" if len(found) > len(named) else ""
    return [f"note: not of this store, neither used nor freed: {', '.join(named)}{more}"]


def _whose(ref: Ref) -> str:
    if ref.age_s is None:
        return f"{ref.name} (by an earlier version)"
    return f"{ref.name} ({age(ref.age_s)}, {ref.owner}, {ref.path})"
