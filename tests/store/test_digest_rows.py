"""A long list's digest, made some rows at a time, is that of the whole list."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from store.canonical import digest, digest_rows

VALUES = (
    st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=5) | st.integers(-9, 9) | st.floats(-2, 2)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("aé\n", max_size=3) | st.lists(VALUES, max_size=4), max_size=6), st.sampled_from([0, 1, 2000]))
def test_rows_have_the_digest_of_their_list(rows: list[str | list[object]], times: int) -> None:
    rows = rows * times
    assert digest_rows(iter(rows)) == digest(rows)
