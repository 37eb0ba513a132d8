"""Tables of segments without a line of names, their columns told by numbers, and in samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.errors import ConfigError
from pipeline.sources.base import Listing
from pipeline.sources.folder.listing.files import find_files
from pipeline.sources.folder.listing.recordings import list_recordings
from pipeline.sources.folder.listing.segments import Stretch
from pipeline.sources.folder.params import Params

NUMBERED = {
    "files": "labels.txt",
    "csv": {"header": False, "delimiter": "whitespace"},
    "columns": {"subject": 1, "label": 2, "start": 3, "end": 4},
    "unit": "samples",
}


class Minute:
    """Says of every file that it goes for a minute."""

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        return Stretch(0.0, 60.0)

    def labelled(self, stream: str, paths: tuple[str, ...]) -> list[Stretch]:
        return []


def listed(root: Path, table: str, segments: dict[str, Any]) -> Listing:
    (root / "labels.txt").write_text(table)
    (root / "s1.csv").write_text("")
    body = {
        "root": ".",
        "classes": ["walk", "run"],
        "labels": {"1": "walk", "2": "run"},
        "streams": {"watch": {"files": "s{subject}.csv", "rate": 50}},
        "segments": segments,
    }
    params = msgspec.convert(body, Params)
    return list_recordings(find_files(root, params), root, params, Minute())


def test_columns_by_number_and_times_in_samples(tmp_path: Path) -> None:
    found = listed(tmp_path, "1 1 100 150 x\n\n01 2 200 225 y\n", NUMBERED)
    assert sorted((each.subject, each.action, each.start, each.end) for each in found.recordings) == [
        ("1", "run", 4.0, 4.5),
        ("1", "walk", 2.0, 3.0),
    ]
    assert all(dict(each.columns) == {} for each in found.recordings)


def test_a_number_in_a_table_with_names(tmp_path: Path) -> None:
    segments = {"files": "labels.txt", "columns": {"label": 2}}
    found = listed(tmp_path, "subject,what,start,end\n1,walk,2,3\n1,run,5,6\n", segments)
    assert {each.action for each in found.recordings} == {"walk", "run"}


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"columns": {"subject": 1, "label": 2, "start": 3, "end": 9}}, ["labels.txt:1", "4 columns", "9 (end)"]),
        (
            {"columns": {"subject": 1, "label": "what", "start": 3, "end": 4}},
            ["labels.txt:1", "what (label)", "number"],
        ),
        ({"columns": {"subject": 1, "label": 2, "start": 3}}, ["labels.txt:1", "has no column end"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        listed(tmp_path, "1 1 100 150\n1 2 200 225\n", NUMBERED | change)
    for part in parts:
        assert part in str(error.value)
