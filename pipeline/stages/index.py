"""The index: the table of recordings, in row order, and the list of those that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.errors import BadRecording, StepError
from pipeline.sources.time_limits import SourceRecipe, TimeLimits
from pipeline.sources.validate_listing import validated_listing
from pipeline.sources.validate_streams import probed

if TYPE_CHECKING:
    from pipeline.sources.base import Recording, Source
    from pipeline.stages.context import Context


class IndexRecipe(msgspec.Struct, frozen=True):
    """What the stage reads of its recipe."""

    source: SourceRecipe


class IndexWork(msgspec.Struct, frozen=True):
    """What is not in the recipe: the streams to check."""

    streams: tuple[str, ...]


def run(context: Context) -> dict[str, Any]:
    """Check every stream of every recording, and write ``recordings.jsonl``, ``broken.json`` and ``classes.json``.

    Raises
    ------
    StepError
        A recording is broken and ``on_bad_recording`` is ``fail``: names the first files and the remedy.
    """
    assert context.source is not None
    recipe, work = msgspec.convert(context.recipe, IndexRecipe), msgspec.convert(context.work, IndexWork)
    source = context.source
    listing = validated_listing(source)
    broken: list[dict[str, str]] = [
        {"recording": "", "stream": item.stream, "path": item.path, "reason": item.reason} for item in listing.unparsed
    ]
    lengths: list[dict[str, int]] = []
    # Threads, since checking waits for disks and decoders; `map` keeps the order of rows.
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda each: _check(source, each, work.streams, recipe.source.times), listing.recordings)
        for done, (of_streams, problems) in enumerate(results, 1):
            lengths.append(of_streams)
            broken += problems
            context.progress(done, len(listing.recordings), "recordings")
    check_broken(broken, context.on_bad_recording)
    rows = [
        {
            "row": row,
            "id": r.id,
            "subject": r.subject,
            "action": r.action,
            "label": source.classes.index(r.action),
            "session": r.session,
            "scene": r.scene,
            "view": r.view,
            "start": r.start,
            "end": r.end,
            "lengths": lengths[row],
            **({"columns": dict(r.columns)} if r.columns else {}),
        }
        for row, r in enumerate(listing.recordings)
    ]
    context.draft.write("recordings.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    context.draft.write("broken.json", json.dumps(broken, indent=1).encode())
    context.draft.write("classes.json", json.dumps(list(source.classes)).encode())
    return {"recordings": len(rows), "broken": len(broken)}


def check_broken(broken: list[dict[str, str]], on_bad_recording: str) -> None:
    """Raise StepError where recordings are broken and the user wants to be stopped by that."""
    if broken and on_bad_recording == "fail":
        lines = ["1 file cannot be used:" if len(broken) == 1 else f"{len(broken)} files cannot be used:"]
        lines += [f"  {item['path']}: {item['reason']}" for item in broken[:10]]
        if len(broken) > 10:
            lines.append(f"  and {len(broken) - 10} more; with `on_bad_recording: skip`, `pipeline status` lists all")
        lines.append("  repair or remove them, or set `on_bad_recording: skip` to go on without these recordings")
        raise StepError("\n".join(lines))


def _check(
    source: Source, recording: Recording, streams: Sequence[str], limits: TimeLimits
) -> tuple[dict[str, int], list[dict[str, str]]]:
    """Return the lengths of a recording's streams, and what is wrong with those that cannot be used."""
    lengths: dict[str, int] = {}
    broken: list[dict[str, str]] = []
    for stream in streams:
        try:
            lengths[stream] = probed(source, recording, stream, limits).length
        except BadRecording as error:
            broken.append({"recording": recording.id, "stream": stream, "path": error.path, "reason": error.reason})
    return lengths, broken
