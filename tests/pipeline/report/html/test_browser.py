"""The page in a browser: nothing asked for, nothing complained of, controls that work, readable by all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.report.html.page import write_page
from pipeline.report.html.sections.order import sections_of

from .chromium import Browser, Page, browser
from .made_up import made_up

REPOSITORY = Path(__file__).parents[4]
AXE = REPOSITORY / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
SCROLL = """new Promise(async done => {
    for (let y = 0; y < document.body.scrollHeight; y += 300) {
        scrollTo(0, y);
        await new Promise(requestAnimationFrame);
    }
    setTimeout(done, 300);
})"""
# In how many widths of the page an option stands on two lines, and how many options there are.
BROKEN_OPTIONS = """(() => {
    const header = document.querySelector("header"), found = [];
    const texts = document.createTreeWalker(header, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode())
        for (const each of text.data.matchAll(/--set/g)) {
            const range = document.createRange();
            range.setStart(text, each.index);
            range.setEnd(text, each.index + 5);
            found.push(range);
        }
    let broken = 0;
    for (let width = 150; width < 800; width += 3) {
        header.style.width = `${width}px`;
        broken += found.some(range => new Set([...range.getClientRects()].map(each => each.top)).size > 1);
    }
    return [broken, found.length];
})()"""
SHOWN = "e => getComputedStyle(e).display !== 'none'"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    report = made_up(models=9, recordings=40)
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(write_page(report, sections_of(report)), encoding="utf-8")
    return path


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    opened = chromium.open(file, 1400)
    yield opened
    assert opened.complaints() == []
    opened.close()


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_asks_for_nothing_and_follows_the_system(chromium: Browser, file: Path, width: int, scheme: str) -> None:
    page = chromium.open(file, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    least = "Math.min(...[...document.querySelectorAll('section')].map(e => e.getBoundingClientRect().width))"
    assert page.evaluate(least) > 340  # on a phone one below the other
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}[scheme]
    assert page.complaints() == []
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (390, "dark")])
def test_is_readable_for_all(chromium: Browser, file: Path, width: int, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core from npm: run `make tests/node/node_modules/.installed`")
    page = chromium.open(file, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.evaluate("document.querySelectorAll('pre code').forEach(each => each.textContent = 'long '.repeat(200))")
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    found = page.evaluate("""axe.run({resultTypes: ['violations']}).then(found =>
        found.violations.map(each => [each.id, each.impact, each.nodes[0].html]))""")
    assert [each for each in found if each[1] in ("serious", "critical")] == []
    page.close()


def test_tables_are_sorted(page: Page) -> None:
    cells = "[...document.querySelectorAll('#table-results tbody td:nth-of-type(1)')].map(e => Number(e.dataset.v))"
    before = page.evaluate(cells)
    page.click("#table-results th:nth-of-type(2) button")
    assert page.evaluate(cells) == sorted(before, reverse=True)
    page.click("#table-results th:nth-of-type(2) button")
    assert page.evaluate(cells) == sorted(before)
    assert page.evaluate("document.querySelector('#table-results th:nth-of-type(2)').ariaSort") == "ascending"


def test_a_matrix_is_chosen(page: Page) -> None:
    shown = f"[...document.querySelectorAll('.option')].filter({SHOWN}).map(e => e.querySelector('svg').ariaLabel)"
    assert page.evaluate(shown) == ["Confusion matrix of model-0"]
    page.evaluate("document.querySelector('.choice select').focus()")
    page.send("Input.dispatchKeyEvent", type="keyDown", key="ArrowDown", code="ArrowDown", windowsVirtualKeyCode=40)
    assert page.evaluate(shown) == ["Confusion matrix of model-1"]


def test_models_are_filtered_everywhere(page: Page) -> None:
    def rows(table: str) -> int:
        return int(page.evaluate(f"[...document.querySelectorAll('{table} tbody tr')].filter({SHOWN}).length"))

    marks = f"[...document.querySelectorAll('#classes svg g[data-m]')].filter({SHOWN}).map(e => e.dataset.m)"
    assert rows("#table-results") == 9
    page.evaluate("document.querySelector('#by-name').focus()")
    page.send("Input.insertText", text="model-3")
    assert rows("#table-results") == rows("#cost") == 1
    assert {*page.evaluate(marks)} == {"3"}
    assert page.evaluate("document.querySelector('#count').textContent") == "1 of 9 models"
    assert page.evaluate("document.querySelector('.choice select').value") == "model-3"
    page.change("#by-name", "")
    page.change("#by-modality", "skeleton")
    assert rows("#table-results") == 4


def test_marks_say_what_they_are(page: Page) -> None:
    page.point_at("#classes svg g[data-m] path:has(title)")
    tip = page.evaluate("document.querySelector('#tip').textContent")
    assert tip.startswith("model-class-")
    assert tip.endswith(" %")


def test_colours_are_switched(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    for _ in range(2):
        page.click("#theme")
    assert page.evaluate(ground) == "rgb(20, 23, 26)"
    page.click("#theme")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_no_option_is_broken_at_its_hyphens_and_it_is_copied_as_it_is(chromium: Browser, tmp_path: Path) -> None:
    report = made_up(models=2)
    trial = replace(
        report.experiments[0], trial=["fit.lr=0.1", "stages.student.model.width=32"], settings=["x"], to_do=1
    )
    path = tmp_path / "report.html"
    path.write_text(write_page(replace(report, experiments=[trial]), []), encoding="utf-8")
    page = chromium.open(path, 900)
    broken, found = page.evaluate(BROKEN_OPTIONS)
    assert (broken, found) == (0, 3)
    copied = page.evaluate("getSelection().selectAllChildren(document.querySelector('.asked')), `${getSelection()}`")
    assert "--set fit.lr=0.1 --set stages.student.model.width=32" in copied
    page.close()


def test_prints(page: Page) -> None:
    printed = page.pdf()
    assert printed.startswith(b"%PDF")
    assert 2 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 30


@pytest.mark.slow
def test_scrolling_two_hundred_models_holds_nothing_up(chromium: Browser, tmp_path: Path) -> None:
    report = made_up(models=200, recordings=10_000, classes=27, seeds=1)
    path = tmp_path / "report.html"
    path.write_text(write_page(report, sections_of(report)), encoding="utf-8")
    longest = []
    for _ in range(3):  # other work on this machine makes tasks longer, never shorter
        page = chromium.open(path, 1400)
        page.evaluate("new Promise(done => setTimeout(done, 2000))")
        longest.append(page.longest_task(SCROLL))
        page.close()
    assert 1 < min(longest) <= 50
