"""Outputs, what names them, and what cleaning frees of them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from store import Store
from store.maintenance.gc import GarbageCollection


def publish(store: Store, stage: str, key: str, inputs: Iterable[str] = (), data: bytes = b"data") -> None:
    with store.draft(stage, key, recipe={"raw": key, "stage": stage}, inputs=list(inputs)) as draft:
        draft.write("a/b", data)
        draft.publish({"user": "me"})


def name(store: Store, ref: str, *outputs: tuple[str, str]) -> None:
    steps = {f"step{i}": {"stage": stage, "key": key} for i, (stage, key) in enumerate(outputs)}
    store.write_ref(ref, json.dumps({"steps": steps, "user": "me", "host": "here"}).encode())


def freed(collection: GarbageCollection) -> dict[str, str]:
    """Free, and return what was left, and why."""
    return {scrap.path: why for scrap, why in collection.run() if why}
