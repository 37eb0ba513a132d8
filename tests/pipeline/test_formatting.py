"""Numbers and lists in what commands print."""

from __future__ import annotations

import pytest

from pipeline.formatting import counted, cut, shortened


@pytest.mark.parametrize(("count", "text"), [(0, "0 steps"), (1, "1 step"), (2, "2 steps"), (1200, "1,200 steps")])
def test_counts(count: int, text: str) -> None:
    assert counted(count, "step") == text


def test_what_does_not_fit_is_counted() -> None:
    assert shortened(["a", "b"], 2) == ["a", "b"]
    assert shortened(["a", "b", "c", "d"], 2, "more streams") == ["a", "b", "and 2 more streams"]


def test_a_cut_text_is_as_wide_as_asked() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abc..."
