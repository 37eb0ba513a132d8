"""Recordings that cannot be used: what the index found broken, and what broke while it was encoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.plan.recordings.output_readers import broken_items, skipped_items
from store import StoreChain

if TYPE_CHECKING:
    from pipeline.plan.steps.step import Step

Broken = Mapping[str, Mapping[str, str]]  # recording -> stream -> reason
Skipped = Mapping[str, str]  # recording -> reason


def broken_of(chain: StoreChain, index: Step) -> dict[str, dict[str, str]] | None:
    """Return what the index found broken, by recording and stream; None before it has run."""
    made = chain.output("index", index.key)
    if made is None:
        return None
    broken: dict[str, dict[str, str]] = {}
    for item in broken_items(made):
        broken.setdefault(item.recording, {})[item.stream] = f"{item.path}: {item.reason}"
    return broken


def skipped_of(chain: StoreChain, encode: Step) -> dict[str, str]:
    """Return the recordings whose rows in a modality's output are empty; nothing before it is made."""
    items = chain.read("encode", encode.key, skipped_items) or []
    return {item.recording: item.reason for item in items}


def newly_skipped(encode: Step, skipped: Skipped) -> dict[str, str]:
    """Return those of a modality's empty rows that the index knows nothing of: they broke while they were encoded."""
    return {recording: reason for recording, reason in skipped.items() if recording not in encode.work["broken"]}
