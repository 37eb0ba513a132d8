"""What processes that died left in a store: outputs half done, their locks, temporary files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.formatting import counted, shortened, size
from store import Store
from store.errors import StoreError

TOPIC = "store"
_SHOWN = 3


def find(url: str, base: Path | None = None) -> Iterator[Finding]:
    """List a store, and ask of each unfinished output whether somebody is at it."""
    store = Store.open(url, base=base)
    if not store.existed:
        yield ok(TOPIC, f"there is no store at {store.url} yet: the first run makes it")
        return
    inventory = store.inventory()
    folders = inventory.folders.values()
    yield ok(
        TOPIC, f"{store.url}: {counted(len(inventory.published), 'output')}, {size(sum(f.bytes for f in folders))}"
    )
    left = []
    for folder in folders:
        if folder.published:
            continue
        name = f"{folder.stage} {folder.key[:12]}"
        try:
            owner = store.writer(*folder.name)
        except StoreError as error:
            yield problem(TOPIC, f"{name}: its lock cannot be looked at: {error}", "move away what lies in its place")
            continue
        if owner is not None and owner.holds:
            yield ok(TOPIC, f"{name} is being written by {owner.name}")
        else:
            by = f", left by {owner.name}" if owner else ""
            left.append(f"{name} ({size(folder.bytes)}{by})")
    if left:
        what = f"{counted(len(left), 'unfinished output')} that nobody works on: {', '.join(shortened(left, _SHOWN))}"
        yield note(TOPIC, what, "`pipeline run` goes on with those it needs; `pipeline gc` frees the others in time")
    files = [*inventory.temporaries, *(each for folder in folders for each in folder.temporaries)]
    if files:
        what = f"{counted(len(files), 'temporary file')} of writers, alive or killed"
        yield note(TOPIC, what, "`pipeline gc` frees those of killed ones")
    if inventory.irregular:
        shown = ", ".join(shortened([f"{each.path} is {each.what}" for each in inventory.irregular], _SHOWN))
        yield problem(TOPIC, f"not followed: {shown}", "put plain files and folders there, or remove it")
    if inventory.quarantine:
        what = f"{counted(len(inventory.quarantine), 'damaged output')} set aside in quarantine/"
        yield note(TOPIC, what, "`pipeline gc` frees them in time")
