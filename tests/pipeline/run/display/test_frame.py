"""The live table at any width and height: nothing wraps, and there are few lines however much runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.display.frame import MOST_ROWS, Row, frame

ENCODE = Row("encode[rgb]", "70/192 recordings", "380 images/s", "1 min 20 s", "waits for images", 70 / 192)
TEACHER = Row(
    "teacher[modalities=rgb+depth+skeleton,subject=17,seed=0]", "9/40 epochs", "0.18 epochs/s", "-", "", 9 / 40
)
SUMMARY = ["3 of 29 steps, 25 to come", "about 14 min left in all", "2 min 3 s so far"]

ROWS = st.lists(
    st.builds(
        Row,
        *(st.text("abc[]=,0123 ", min_size=1, max_size=120),) * 2,
        st.text("0123 images/s", max_size=30),
        st.text("0123 min", min_size=1, max_size=14),
        st.text("waits for", max_size=60),
        st.none() | st.floats(0, 1),
    ),
    max_size=300,
)


@given(ROWS, st.integers(20, 250), st.integers(3, 80))
def test_no_line_wraps_and_there_are_few(rows: list[Row], width: int, height: int) -> None:
    lines = frame(rows, SUMMARY, width, height)
    assert max(map(len, lines)) <= max(width - 1, 20)
    assert len(lines) <= min(MOST_ROWS + 3, max(height - 1, 1))


def test_at_80_columns_what_it_waits_for_has_room() -> None:
    head, line, said = frame([ENCODE], SUMMARY, 80, 24)
    assert head.split() == ["step", "done", "speed", "left"]
    assert line == "encode[rgb]  70/192 recordings  380 images/s  1 min 20 s  waits for images"
    assert said == ", ".join(SUMMARY)


def test_at_200_columns_there_are_bars_and_whole_names() -> None:
    _, first, second, _ = frame([ENCODE, TEACHER], SUMMARY, 200, 24)
    assert "━━━━────────" in first
    assert TEACHER.step in second


def test_long_names_lose_their_middle() -> None:
    _, _, line, _ = frame([ENCODE, TEACHER], SUMMARY, 80, 24)
    name = line.split()[0]
    assert name.startswith("teacher[")
    assert "..." in name
    assert name.endswith("seed=0]")


def test_of_many_steps_some_are_counted() -> None:
    lines = frame([ENCODE] * 30, SUMMARY, 80, 24)
    assert "and 22 more that run" in lines
