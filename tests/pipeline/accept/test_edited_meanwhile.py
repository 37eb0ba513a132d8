"""Code that is edited while it is being checked: what was computed is not what was hashed, and is not accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMELINES = "pipeline/stages/encode/timelines/encoder.py"
CHECK = "        given = _part(draft, step, earlier, stored, ids, shards) if stored else draft\n"


def test_only_what_was_hashed_is_accepted(
    edited: Any, edit: Any, code: Path, gate: Any, until: Callable[..., None]
) -> None:
    file = code / TIMELINES
    file.write_text(file.read_text() + "\n_FIRST = 1\n")
    gate.put(code / "pipeline/accept/check.py", CHECK)
    lock = edited.file.with_suffix(".lock")
    before = lock.read_bytes()
    accept = edited.start("accept", "encode")
    until(lambda: gate.reached() or accept.poll() is not None)
    file.write_text(file.read_text() + "\n_SECOND = 1\n")
    gate.open()
    _, err = accept.communicate(timeout=240)
    assert accept.returncode == 1, err
    assert f"error: {TIMELINES} changed while this ran; run again\n" in err
    assert lock.read_bytes() == before
    assert "cached again" in edited.command("accept", "encode").stdout
