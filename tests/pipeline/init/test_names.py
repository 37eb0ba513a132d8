"""Names of files: however they are made of parts, the pattern finds those parts again."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.init.look.files import DataFile
from pipeline.init.look.sheets import read_sheet
from pipeline.init.looked import look_at
from pipeline.init.names.agree import agree
from pipeline.init.names.groups import groups_of
from pipeline.init.proposal import propose
from pipeline.init.write import yaml_text
from pipeline.sources.folder.listing.patterns import Pattern, plain
from pipeline.stagesfile.reader import read

SUBJECTS = st.sampled_from(["s{}", "S{:02d}", "subject{}", "subject_{:03d}", "P{:02d}", "user-{}", "participant {}"])
LABELS = st.sampled_from(["a{:02d}", "act{}", "activity_{}", "words"])
SESSIONS = st.sampled_from(["t{}", "trial{:02d}", "rep_{}", "r{}", ""])
WORDS = ("walking", "sit_down", "run")


@settings(max_examples=150)
@given(SUBJECTS, LABELS, SESSIONS, st.sampled_from(["_", "-"]), st.permutations([0, 1, 2]), st.integers(0, 2))
def test_parts_are_found_again(
    subject: str, label: str, session: str, between: str, order: list[int], folders: int
) -> None:
    meant: dict[str, dict[str, str]] = {}
    for who in range(1, 5):
        for what in range(1, 4):
            for when in (1, 2) if session else (1,):
                named = [subject.format(who), WORDS[what - 1] if label == "words" else label.format(what)]
                pieces = [*named, session.format(when)]
                pieces = [pieces[at] for at in order if pieces[at]]
                cut = min(folders, len(pieces) - 1)
                path = "/".join([*pieces[:cut], between.join(pieces[cut:])]) + ".csv"
                meant[path] = {"subject": str(who), "label": WORDS[what - 1] if label == "words" else str(what)}
                if session:
                    meant[path]["session"] = str(when)
    groups = groups_of([DataFile(path, ".csv", "text") for path in sorted(meant)])
    agreed = agree(groups, {}, ids={}, table=False)
    assert len(groups) == 1
    assert agreed.sure == {"subject": True, "label": True}
    pattern = Pattern.parse(agreed.patterns[groups[0]])
    for path, parts in meant.items():
        found = pattern.match(path)
        assert found is not None
        assert {name: plain(value) for name, value in found.items()} == parts


def named(subjects: int) -> list[DataFile]:
    """Name 400 files of each subject."""
    return [
        DataFile(f"subject{s:03d}/S{s:03d}A{a:02d}T{t:02d}_{device}.csv", ".csv", "text")
        for s in range(1, subjects + 1)
        for a in range(1, 21)
        for t in range(1, 11)
        for device in ("phone", "watch")
    ]


def patterns_of(files: list[DataFile]) -> tuple[list[str], float]:
    """Return how files are named, and the seconds of one core that it took to find that."""
    gc.disable()  # it would look through what all tests before have left
    try:
        start = time.process_time()
        patterns = agree(groups_of(files), {}, ids={}, table=False).patterns
        return [*patterns.values()], time.process_time() - start
    finally:
        gc.enable()


def test_time_grows_with_the_number_of_names() -> None:
    few, many = patterns_of(named(5)), patterns_of(named(50))
    assert (
        few[0]
        == many[0]
        == [
            "subject{subject}/S{subject}A{label}T{session}_phone.csv",
            "subject{subject}/S{subject}A{label}T{session}_watch.csv",
        ]
    )
    assert many[1] < 2 * 10 * few[1]  # a ratio: machines differ


@pytest.mark.slow
def test_a_hundred_thousand_files_take_less_than_ten_seconds(tmp_path: Path) -> None:
    text = "time,x,y,z\n" + "".join(f"{at / 50},0.1,-0.2,0.97\n" for at in range(100))
    for subject in range(1, 101):
        (tmp_path / "data" / f"s{subject}").mkdir(parents=True)
        one = tmp_path / f"one{subject}"
        one.write_text(text)
        for number in range(1000):
            name = f"s{subject}_a{number // 20}_t{number % 20}.csv"
            os.link(one, tmp_path / "data" / f"s{subject}" / name)
    read_sheet(one, "text")  # imports
    start = time.process_time()
    found = propose(look_at(tmp_path / "data"), [])
    assert time.process_time() - start < 10
    assert len(found.listing.recordings) == 100_000


PIECE = st.sampled_from(
    ["s1", "S02", "a", "walk", "run", "sit down", "_", "-", "3", "{x}", "*", "ü", "'", "[", "2024-01-01", "#", "acc",
     "labels"]
)  # fmt: skip
NAME = st.lists(PIECE, min_size=1, max_size=4).map("".join)
END = st.sampled_from([".csv", ".CSV", ".txt"])
PATHS = st.lists(st.tuples(st.lists(NAME, max_size=2), NAME, END), min_size=1, max_size=14)


@settings(max_examples=100, deadline=None)
@given(PATHS)
@example([(["s1", "s1"], "s1", ".csv"), (["S02", "s1"], "s1", ".csv"), (["-", "s1"], "s1s1", ".csv")])
def test_any_names_make_a_stages_file_or_a_message(paths: list[tuple[list[str], str, str]]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for folders, name, end in paths:
            path = root.joinpath(*folders, name + end)
            if not any(part.is_file() for part in path.parents):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("t,x,y,z\n" + "".join(f"{at / 50},0.1,-0.2,{0.97 + at / 1000}\n" for at in range(30)))
        try:
            found = propose(look_at(root), [])
        except ConfigError:
            return
        text = yaml_text(found.document, found.comments, "head")
        assert read(Path("stages.yaml"), text).values["source"]["streams"] == found.document["source"]["streams"]
        assert found.listing.recordings
