"""The document that says a folder or bucket is a store, and of which format: ``store.json``."""

from __future__ import annotations

import json

from store.backends.base import Backend
from store.canonical import canonical_json
from store.errors import StoreError, UnsupportedFormat
from store.manifest.limits import NOTE_BYTES, read_bounded
from store.paths import FORMAT_PATH

FORMAT = {"format": "harvest-store", "version": 1}


def has_format(root: Backend) -> bool:
    """Tell whether there is a store of this format; UnsupportedFormat where it is of another one."""
    try:
        data = read_bounded(root, FORMAT_PATH, NOTE_BYTES)
    except FileNotFoundError:
        return False
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        if root.read_only:  # a web server's page, which it sends whatever is asked for
            raise StoreError(
                f"cannot read {root.url}/{FORMAT_PATH}: what came is no store's: the server may want a login, or send "
                "a page for what it lacks"
            ) from None
        value = data[:60]
    if value != FORMAT:
        raise UnsupportedFormat(
            f"{root.url}/{FORMAT_PATH} says {repr(value)[:99]}; this version reads {FORMAT!r}. "
            "Upgrade this program or use another store"
        )
    return True


def write_format(root: Backend) -> None:
    """Write the format where there is none yet."""
    while not has_format(root):  # another process may write it first, and it may be another format
        root.check_mounted(False)
        root.put_if_absent(FORMAT_PATH, canonical_json(FORMAT) + b"\n")
    root.check_mounted(True)
