"""What a run says where it replaces the lock's raw data by other data."""

from __future__ import annotations

from pipeline.formatting import counted, shortened
from pipeline.lock import Lock, LockedStream

_MOST = 3  # streams that are named


def lock_changes_text(old: Lock, new: Lock) -> str:
    """Say in one line how the files differ of the streams that both have; empty where none do."""
    if old.source and old.source != new.source:
        return f"source {new.source} in place of {old.source}"
    both = [(name, old.raw[name], new.raw[name]) for name in sorted(old.raw.keys() & new.raw.keys())]
    changes = [
        f"{name} ({counted(len(was.files), 'file')}): {_changes(was, now)}"
        for name, was, now in both
        if _differ(was, now)
    ]
    return "; ".join(shortened(changes, _MOST, "more streams"))


def _differ(was: LockedStream, now: LockedStream) -> bool:
    """Tell whether files do: a generator has none, and its recipe is the stages file's."""
    return was.digest != now.digest and bool(was.files or now.files)


def _changes(was: LockedStream, now: LockedStream) -> str:
    common = was.files.keys() & now.files.keys()
    counts = {
        "gone": len(was.files) - len(common),
        "changed": sum(tuple(was.files[path]) != tuple(now.files[path]) for path in common),
        "new": len(now.files) - len(common),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "of other recordings"
