"""Patterns of paths: what they name in a path is what a path was made of."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.folder.listing.patterns import Pattern, PatternError, escaped, plain

NAMES = ["subject", "label", "session", "view"]
letters = st.text(string.ascii_lowercase, min_size=1, max_size=5)
digits = st.integers(0, 999).map(str)


@given(st.lists(st.tuples(st.sampled_from("SAT-_/x "), digits), min_size=1, max_size=4))
def test_numbered_parts_are_found_again(pieces: list[tuple[str, str]]) -> None:
    pattern = "d" + "".join(f"{before}{{{name}:d}}" for (before, _), name in zip(pieces, NAMES, strict=False)) + ".csv"
    path = "d" + "".join(before + value for before, value in pieces) + ".csv"
    found = Pattern.parse(pattern).match(path)
    assert found == dict(zip(NAMES, (value for _, value in pieces), strict=False))


@given(letters, digits)
def test_letters_and_digits_part_without_anything_between(word: str, number: str) -> None:
    assert Pattern.parse("{label:a}{subject:d}.txt").match(f"{word}{number}.txt") == {"label": word, "subject": number}


@pytest.mark.parametrize(
    ("pattern", "path", "parts"),
    [
        ("young/*/watch/S{subject}A{label}T{session}.csv", "young/acc/watch/S07A1T2.csv", ("07", "1", "2")),
        ("**/{subject}_{label}_{session}.mp4", "a/b/anna_sit down_3.mp4", ("anna", "sit down", "3")),
        ("**/{subject}_{label}_{session}.mp4", "anna_run_3.mp4", ("anna", "run", "3")),
        ("{subject}/{label}/{session}-?.csv", "1/walk/2-a.csv", ("1", "walk", "2")),
        ("{subject}/{subject}{label}{session:d}.csv", "5/5walk11.csv", ("5", "walk", "11")),
        ("{{x}}{subject}.{label}+{session}(1).csv", "{x}1.a+b(1).csv", ("1", "a", "b")),
    ],
)
def test_a_path_that_fits(pattern: str, path: str, parts: tuple[str, ...]) -> None:
    assert Pattern.parse(pattern).match(path) == dict(zip(("subject", "label", "session"), parts, strict=True))


@pytest.mark.parametrize(
    ("pattern", "path", "parts"),
    [
        ("S{subject}[_{session}].csv", "S1_2.csv", {"subject": "1", "session": "2"}),
        ("S{subject}[_{session}].csv", "S1.csv", {"subject": "1", "session": ""}),
        ("[{site}/]S{subject:d}[T{session:d}C{view}].csv", "S1T2C3.csv",
         {"site": "", "subject": "1", "session": "2", "view": "3"}),
        ("[{site}/]S{subject:d}[T{session:d}C{view}].csv", "A/S1.csv",
         {"site": "A", "subject": "1", "session": "", "view": ""}),
        ("{label}[ ({session:d})]", "walk (2)", {"label": "walk", "session": "2"}),
        ("{label} [[{session}]].csv", "walk [2].csv", {"label": "walk", "session": "2"}),
        ("[[x]]{subject}", "[x]1", {"subject": "1"}),
    ],
)  # fmt: skip
def test_what_stands_in_brackets_may_be_missing(pattern: str, path: str, parts: dict[str, str]) -> None:
    assert Pattern.parse(pattern).match(path) == parts


@given(st.text("ab[]{}_-. ", min_size=1, max_size=12).filter(lambda text: text != ".."))
def test_a_name_that_is_escaped_fits_itself_alone(text: str) -> None:
    pattern = Pattern.parse(escaped(text))
    assert pattern.match(text) == {}
    assert pattern.match(f"{text}x") is None
    assert pattern.names == ()


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{subject}.csv", "a/1.csv"),  # a part lies within a name
        ("S{subject:d}.csv", "Sx.csv"),
        ("{subject}/{subject}.csv", "5/6.csv"),
        ("*.csv", "a/1.csv"),
        ("x.csv", "xacsv"),
    ],
)
def test_a_path_that_does_not(pattern: str, path: str) -> None:
    assert Pattern.parse(pattern).match(path) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no path below the root"),
        ("/data/{subject}.csv", "no path below the root"),
        ("../{subject}.csv", "no path below the root"),
        ("a\\{subject}.csv", "write folders with `/`"),
        ("{subject.csv", r"'\{' is no part"),
        ("subject}.csv", "is no part"),
        ("{}.csv", "is no part"),
        ("{1}.csv", "is no part"),
        ("{subject:x}.csv", "is no part"),
        ("{sub ject}.csv", "such as {subject}"),
        ("walk [1].csv", "brackets hold a part"),
        ("{label}[_{session}", "a bracket does not end"),
        ("{label}_{session}]", "brackets themselves twice"),
        ("{label}[_{session}[_{view}]]", "brackets hold a part, and no brackets"),
    ],
)
def test_what_is_no_pattern(text: str, said: str) -> None:
    with pytest.raises(PatternError, match=said):
        Pattern.parse(text)


def test_numbers_are_compared_without_padding() -> None:
    assert [plain(each) for each in ("007", "7", "000", " 10 ", "a07", "0x1")] == ["7", "7", "0", "10", "a07", "0x1"]
