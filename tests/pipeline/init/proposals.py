"""What `init` makes of a folder, in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pipeline.init.looked import look_at
from pipeline.init.proposal import Proposal, propose
from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder


def proposal_of(root: Path, **settings: Any) -> Proposal:
    return propose(look_at(root), [(key.replace("__", "."), value) for key, value in settings.items()])


def source_of(root: Path, proposal: Proposal) -> Folder:
    described = {key: value for key, value in proposal.document["source"].items() if key not in ("name", "times")}
    return Folder(root, msgspec.convert({"root": str(root), **described}, Params))


def streams_of(proposal: Proposal) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = proposal.document["source"]["streams"]
    return found


def check_read(root: Path, proposal: Proposal, **shapes: tuple[int, ...]) -> Folder:
    """Read a recording of each stream by the source, and check the shape of one sample, or its last axes."""
    source = source_of(root, proposal)
    for stream, shape in shapes.items():
        name = stream.replace("_", "-")
        recording = next(each for each in source.list().recordings if name in each.streams)
        assert source.probe(recording, name).shape[-len(shape) :] == shape
    return source
