"""A row's digest changes with what its values depend on, and with nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from pipeline.lock import LockedStream
from pipeline.plan.recordings.rows import row_digests
from pipeline.plan.recordings.table import Table
from pipeline.sources.base import Listing, Recording

FILES = {"d/a.bin": (3, "aa"), "d/b.bin": (4, "bb"), "i/a.csv": (5, "cc"), "i/b.csv": (6, "dd"), "i/c.csv": (6, "dd")}
A = Recording("a", "1", "wave", "1", streams={"depth": ("d/a.bin",), "inertial": ("i/a.csv",)})
B = Recording("b", "1", "wave", "1", streams={"depth": ("d/b.bin",), "inertial": ("i/b.csv", "i/c.csv")})


def table(*recordings: Recording, files: Mapping[str, Any] = FILES) -> Table:
    raw = {
        stream: LockedStream.of(
            "all of it", {path: entry for path, entry in files.items() if path.startswith(stream[0])}
        )
        for stream in ("depth", "inertial")
    }
    return Table(Listing(recordings), raw)


def digests(*recordings: Recording, **options: Any) -> list[str]:
    return row_digests(table(*recordings, **options), ["inertial"])


def test_neighbours_order_labels_and_names_of_files_do_not_matter() -> None:
    a, b = digests(A, B)
    assert a != b
    assert digests(B, A) == [b, a]
    assert digests(replace(B, subject="7", action="clap", session="2", scene="3", view="1")) == [b]
    moved = {path.replace("i/", "inertial/"): entry for path, entry in FILES.items()}
    there = replace(B, streams={"inertial": ("inertial/b.csv", "inertial/c.csv")})
    assert digests(there, files=moved) == [b]


def test_content_size_number_and_order_of_files_id_and_stretch_matter() -> None:
    whole = digests(B)
    streams = [("i/b.csv",), ("i/b.csv", "i/c.csv", "i/c.csv"), ()]
    others = [replace(B, id="c"), replace(B, start=1.0), replace(B, end=1.0), A]
    others += [replace(B, streams={"inertial": files}) for files in streams]
    found = [digests(other) for other in others]
    found += [digests(B, files=FILES | {"i/b.csv": entry}) for entry in ((7, "dd"), (6, "de"))]
    found.append(digests(replace(B, streams={"inertial": ("i/c.csv", "i/a.csv")})))
    found.append(digests(replace(B, streams={"inertial": ("i/a.csv", "i/c.csv")})))
    assert len({*map(tuple, found), tuple(whole)}) == len(found) + 1


def test_only_the_modality_s_own_streams_matter() -> None:
    assert digests(B, files=FILES | {"d/b.bin": (9, "ff")}) == digests(B)
    assert row_digests(table(A, B), ["depth"]) != row_digests(table(A, B), ["depth", "inertial"])


def test_a_generator_s_recordings_are_those_of_its_recipe() -> None:
    def generated(recipe: str) -> list[str]:
        return row_digests(Table(Listing((A, B)), {"inertial": LockedStream(recipe)}), ["inertial"])

    assert len({*generated("eight subjects"), *generated("nine subjects")}) == 4
    assert generated("eight subjects") == generated("eight subjects")
