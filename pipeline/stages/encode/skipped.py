"""Which rows of an output are empty, and why; survives an interrupted run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.sources.base import Recording
from store.features import read_draft_rows

if TYPE_CHECKING:
    from pipeline.stages.context import ShardDraft

SKIPPED = "skipped.json"  # in the output: a list of {"recording", "reason"} in the order of the rows


def write_shard_reasons(draft: ShardDraft, shard: int, broken: Mapping[str, str]) -> None:
    """Remember what was broken in a shard, for the run that finishes the output."""
    draft.scratch_write(f"skipped-{shard}.json", json.dumps(dict(broken)).encode())


def read_shard(draft: ShardDraft, shard: int, rows: range, recordings: Sequence[Recording | None]) -> dict[str, str]:
    """Return what an earlier run found broken in a shard; where that note is gone, from empty rows."""
    note = draft.scratch_read(f"skipped-{shard}.json")
    if note is not None:
        reasons: dict[str, str] = json.loads(note)
        return reasons
    good = [bool(row.any()) for row in read_draft_rows(draft, "valid", rows)]
    lost = "was found broken by an earlier, interrupted run"
    return {r.id: f"{r.id}: {lost}" for r, usable in zip(recordings, good, strict=True) if r and not usable}


def write_all(draft: ShardDraft, reasons: Mapping[str, str]) -> None:
    """Write the output's list of empty rows."""
    listed = [{"recording": recording, "reason": reason} for recording, reason in reasons.items()]
    draft.write(SKIPPED, json.dumps(listed, indent=1, ensure_ascii=False).encode())
