"""Lines for a terminal of 80 columns: broken between words, of which none is lost or broken."""

from __future__ import annotations

import shlex
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.init.question import Question
from pipeline.init.show import choices_text, folded, open_text, untold_text, wrapped
from pipeline.stagesfile.settings import parse_setting

WORDS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30)
TEXTS = st.lists(WORDS, min_size=1, max_size=60).map(" ".join)
UNITS = st.lists(st.sampled_from(["g", "m/s2", "rad/s", "raw"]), min_size=1, max_size=9)
VALUES = st.one_of(UNITS, st.sampled_from(["s{subject}_{label}.csv", "it's/{subject}.csv", "ms"]), st.integers(1, 9))
QUESTIONS = st.builds(
    lambda text, choices: Question("source.streams.a.units", text, tuple(choices), choices[0][0]),
    TEXTS,
    st.lists(st.tuples(VALUES, st.one_of(st.just(""), TEXTS)), min_size=1, max_size=9),
)


def check_width(text: str) -> None:
    for line in text.splitlines():
        assert len(line) <= 80 or len(line.split()) == 1 or line.lstrip().startswith("--set "), line


@given(TEXTS)
def test_words_stay_whole(text: str) -> None:
    lines = wrapped(text)
    assert " ".join(lines).split() == text.split()
    check_width("\n".join(lines))


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_messages_of_errors(lines: list[str]) -> None:
    message = "\n  ".join(lines)
    assert folded(message).split() == message.split()
    check_width("error: " + folded(message))


@given(QUESTIONS)
def test_questions(question: Question) -> None:
    for text in (choices_text(question), open_text([question]), untold_text(question)):
        check_width(text)


@given(VALUES)
def test_options_are_read_as_the_values_that_they_name(value: Any) -> None:
    option = open_text([Question("source.streams.a.units", "?", ((value, ""),), value)]).splitlines()[1]
    flag, setting = shlex.split(option)
    assert (flag, parse_setting(setting)) == ("--set", ("source.streams.a.units", value))


@given(TEXTS)
def test_what_was_taken_is_a_sentence_of_its_own(text: str) -> None:
    said = " ".join(untold_text(Question("a", text, ((5, ""),), 5)).split())
    assert said.removesuffix(" Taken: 5").endswith((".", "?", "!"))
