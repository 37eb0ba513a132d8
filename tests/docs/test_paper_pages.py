"""The pages that `make paper` writes hold figures, and nothing of the machine that made them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs" / "paper").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_a_table_and_no_path_of_a_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\|.*\d+\.\d\d.*\|$", line)]
    assert rows, "no figures"
    assert not re.search(r"(?<![\w.])/(?:\w+/)+\w+", re.sub(r"\]\([^)]*\)|`[^`]*`", "", text)), "a path"
    assert not re.search(r"`[^`]* /\w[^`]*`", text), "a path in a command"
