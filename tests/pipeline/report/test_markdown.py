"""Tables in Markdown: names of the user's are shown as they are."""

from pipeline.report.formats.markdown import markdown_text
from pipeline.report.formats.sheet import Block, Sheet


def test_what_a_page_would_read_as_marks_is_escaped() -> None:
    sheet = Sheet("a_b", ["model", "x|y"], [Block("of *one*", [["a\n| b <i>", "1"]])], 1)
    assert markdown_text(sheet, ["# no title"], ["note: [x]", "  below"]).splitlines() == [
        r"\# no title",
        r"a\_b",
        "",
        r"| model | x\|y |",
        "| --- | ---: |",
        r"| **of \*one\*** |  |",
        r"| a \| b \<i> | 1 |",
        "",
        r"- note: \[x\]",
        "  - below",
    ]
