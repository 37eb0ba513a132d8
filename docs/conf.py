"""The site of the documentation (`make docs`): the Markdown pages of the repository, where they lie, as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

REPOSITORY = Path(__file__).parents[1]

project = "harvest"
copyright = "the authors of harvest, MIT licence"
root_doc = "README"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
include_patterns = ["*.md", "docs/**"]
exclude_patterns = [".*", "build", "**/node_modules"]
default_role = "code"  # of docstrings: `name`

myst_enable_extensions = ["html_image"]
myst_heading_anchors = 4  # named as repository browsers name them
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_use_ivar = True

html_theme = "furo"
html_title = "harvest"
html_copy_source = False
html_static_path = ["site/_static"]
html_css_files = ["harvest.css"]
html_extra_path = ["site/index.html"]  # leads to README.html


def sections(index: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each section of docs/index.md, and the pages that it links to, in order."""
    for section in index.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        links = re.findall(r"\]\(([^)#:]+)\.md\)", text)
        pages = [(REPOSITORY / "docs" / link).resolve().relative_to(REPOSITORY).as_posix() for link in links]
        yield title, list(dict.fromkeys(pages))


def add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """Give the front page the sections of docs/index.md as its tree of contents."""
    if page == root_doc:
        trees = [("", ["docs/index"]), *sections((REPOSITORY / "docs" / "index.md").read_text(encoding="utf-8"))]
        for title, pages in trees:
            options = [":hidden:", *([f":caption: {title}"] if title else [])]
            source[0] += "\n".join(["", "```{toctree}", *options, "", *pages, "```", ""])


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_contents)
