"""What is written reads as what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.init.write import write_new, yaml_text
from pipeline.stagesfile.reader import read

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
VALUES = st.one_of(NAMES, st.sampled_from(["no", "1e5", "010", "1:30", ".5", "null", "a b", "#x", "S{n}.csv", "-"]))
SCALARS = st.one_of(VALUES, st.integers(-(10**9), 10**9), st.floats(1e-9, 1e9), st.booleans(), st.none())
TREES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=5), st.dictionaries(VALUES, below, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(VALUES, TREES, min_size=1, max_size=5), st.data())
def test_text_reads_as_the_values_it_was_made_of(document: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([*document]))
    value = document[key]
    below = f"{key}.{next(iter(value))}" if isinstance(value, dict) and value else key
    comments = {key: "why, in a few words", below: "a longer text " * 12}
    text = yaml_text({"source": document, **document}, {**comments, f"source.{key}": "two\nlines"}, "head\nof it")
    assert read(Path("stages.yaml"), text).values == {"source": document, **document}
    assert all(len(line) <= 116 for line in text.splitlines() if line.lstrip().startswith("#"))


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "stages.yaml"
    write_new(path, "mine\n", replace=False)
    with pytest.raises(ConfigError, match="is there, and is not overwritten\n  name another with `-f FILE`"):
        write_new(path, "other\n", replace=False)
    assert path.read_text() == "mine\n"
    write_new(path, "other\n", replace=True)
    assert path.read_text() == "other\n"
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory"):
        write_new(tmp_path / "nowhere" / "stages.yaml", "", replace=False)
