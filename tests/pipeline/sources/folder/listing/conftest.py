"""A folder is made, described and listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.sources.base import Listing
from pipeline.sources.folder.listing.files import find_files
from pipeline.sources.folder.listing.recordings import list_recordings
from pipeline.sources.folder.params import Params

from .made_up import FakeLook


@pytest.fixture
def listed(tmp_path: Path) -> Any:
    """Make files (a text is a file's content), and list them as described."""

    def listed(files: list[str] | dict[str, str], **described: Any) -> Listing:
        for name in files:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name] if isinstance(files, dict) else "")
        body = {"root": ".", "classes": ["walk", "run"], "labels": {"1": "walk", "2": "run"}, **described}
        params = msgspec.convert(body, Params)
        return list_recordings(find_files(tmp_path, params), tmp_path, params, FakeLook())

    return listed
