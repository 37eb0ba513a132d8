"""The site of the documentation: every page is in its contents; it is made without a warning, links included."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from trainers.losses.registry import LOSSES
from trainers.models.registry import MODELS

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
BY_MAKE = REPOSITORY / ".venv-docs" / "bin" / "python"


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_page_is_in_the_contents() -> None:
    linked = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#:]+\.md)\)", text_of("index.md"))}
    assert {*DOCS.rglob("*.md")} - linked == {DOCS / "index.md"}


@pytest.mark.timeout(300)
def test_the_site_is_made_without_a_warning(tmp_path: Path) -> None:
    python = sys.executable if find_spec("sphinx") and find_spec("furo") else str(BY_MAKE)
    if not Path(python).exists():
        pytest.skip("Sphinx is not installed: `make docs` does that, and makes the site")
    command = [python, "-m", "sphinx", "--quiet", "--keep-going", "--fail-on-warning", "--conf-dir", "docs", "."]
    made = subprocess.run(
        [*command, str(tmp_path / "site")], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    front = (tmp_path / "site" / "README.html").read_text(encoding="utf-8")
    pages = {page.relative_to(REPOSITORY).with_suffix(".html").as_posix() for page in DOCS.rglob("*.md")}
    assert {page for page in pages if f'href="{page}"' not in front} == set()
    assert (tmp_path / "site" / "index.html").exists()


def test_what_a_stages_file_can_name_is_documented_from_its_docstrings() -> None:
    for table, page in ((LOSSES, "api/losses.md"), (MODELS, "api/models.md")):
        modules = {entry.build.partition(":")[0] for entry in table.values()}
        assert modules <= {*re.findall(r"automodule:: (\S+)", text_of(page))}


def test_every_word_of_the_glossary_is_used() -> None:
    words = re.findall(r"^\| `([^`]+)` \|", text_of("glossary.md"), re.M)
    pages = [page for page in DOCS.rglob("*.md") if page.name != "glossary.md"]
    code = [path for package in ("pipeline", "trainers", "store") for path in (REPOSITORY / package).rglob("*.py")]
    used = "\n".join(path.read_text(encoding="utf-8") for path in [*pages, *code])
    assert len(words) > 50
    assert len({*words}) == len(words)
    assert [word for word in words if not re.search(rf"\b{re.escape(word)}", used, re.I)] == []


@pytest.mark.parametrize("picture", [*DOCS.rglob("*.png"), *DOCS.rglob("*.svg")], ids=lambda path: path.name)
def test_a_picture_is_small_and_shown(picture: Path) -> None:
    assert picture.stat().st_size < 300_000
    pages = [REPOSITORY / "README.md", *DOCS.rglob("*.md")]
    assert any(picture.name in page.read_text(encoding="utf-8") for page in pages)
