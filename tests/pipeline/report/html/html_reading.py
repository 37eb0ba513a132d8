"""What a test reads of a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset(("br", "input", "link", "meta"))


@dataclass
class Element:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str]
    content: list[Element | str] = field(default_factory=list)

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Return the elements in it with this tag and these attributes."""
        found = []
        for child in self.children:
            if tag in ("", child.tag) and attributes.items() <= child.attributes.items():
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        return "".join(each if isinstance(each, str) else each.text for each in self.content)

    @property
    def children(self) -> list[Element]:
        return [each for each in self.content if isinstance(each, Element)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].content.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(data)


def read(page: str) -> Element:
    """Parse a page; every element must be closed, in order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert [each.tag for each in reader.open] == [""], "not all elements are closed"
    ids = [each.attributes["id"] for each in reader.open[0].all() if "id" in each.attributes]
    assert len(ids) == len(set(ids)), "an id is there twice"
    return reader.open[0]


def table_rows(page: Element, name: str) -> list[list[Element]]:
    """Return the cells of the rows of a table, by the words that its region is called."""
    (region,) = [each for each in page.all("div", role="region") if each.attributes["aria-label"] == name]
    return [row.all("th") + row.all("td") for row in region.all("tbody")[0].all("tr")]
