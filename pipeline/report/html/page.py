"""The page: one HTML file that asks for nothing, whatever opens it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from pipeline.formatting import counted, cut
from pipeline.report.html.gather.models import Model
from pipeline.report.html.gather.report import Report
from pipeline.report.html.markup import Markup, element, joined, prose, setting_code
from pipeline.report.html.palette import DARK, LIGHT, variables
from pipeline.report.html.parts import Section
from pipeline.report.html.write_parts import write_section
from store import redact_secrets

RELOAD_S = 5
TITLE = 160  # characters of the heading
ABOUT = 700  # characters of what a stages file says of itself
MOST_SETTINGS = 12  # of a trial
MOST_BEST = 4  # lines that name the best model
MADE_BY = "harvest: pipeline report"


def write_page(report: Report, sections: Sequence[Section], reload: bool = False) -> str:
    """Return the whole file; with `reload`, one that a browser loads anew every few seconds.

    Its policy lets a browser run the page's own script alone, and load nothing from anywhere.
    """
    script = _own("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=MADE_BY),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        *([element("meta", http_equiv="refresh", content=f"{RELOAD_S}")] if reload else []),
        element("title", f"{title_of(report)}: report"),
        element("style", Markup(style())),
    ]
    body = [
        _header(report, sections),
        element("main", map(write_section, sections)),
        element("footer", element("p", f"Written {report.written} UTC by harvest {report.version}.")),
        element("script", Markup(script)),
    ]
    page = element("html", element("head", head), "\n", element("body", body), lang="en")
    return f"<!doctype html>\n{page}\n"


def style() -> str:
    """Return the page's CSS, its colours for light and dark."""
    light, dark = variables(LIGHT), variables(DARK)
    return (
        f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}{_own('page.css')}{_own('picture.css')}"
    )


def title_of(report: Report) -> str:
    """Name a report by what its models were tested on."""
    parts = dict.fromkeys(map(_tested_on, report.models))
    return "; ".join(parts) or ", ".join(each.name for each in report.experiments)


def _tested_on(model: Model) -> str:
    return f"{model.dataset}, {model.protocol}"


def _own(name: str) -> str:
    return files("pipeline.report.html").joinpath(name).read_text(encoding="utf-8")


def _header(report: Report, sections: Sequence[Section]) -> Markup:
    links = [element("li", element("a", section.title, href=f"#{section.id}")) for section in sections]
    return element(
        "header",
        element(
            "div",
            element("div", element("h1", cut(title_of(report), TITLE)), element("p", _about(report), class_="soft")),
            element("button", "◐ auto", type="button", id="theme", title="Colours", class_="theme", hidden=True),
            class_="top",
        ),
        _asked(report),
        _best(report),
        *(
            element("p", prose(cut(each.about, ABOUT)), class_="soft")
            for each in report.experiments
            if each.about and not each.run
        ),
        _missing(report),
        element("nav", element("ul", links), aria_label="Sections"),
        _tools(report),
    )


def _about(report: Report) -> str:
    names: dict[str, list[str]] = {}
    for each in report.experiments:
        recordings, subjects = counted(each.recordings, "recording"), counted(each.subjects, "subject")
        data = f"{recordings} of {subjects}, {len(each.classes)} classes" if each.recordings else "its index is gone"
        names.setdefault(data, []).append(each.name)
    parts = [f"{', '.join(of)}: {data}" for data, of in names.items()]
    return f"{'; '.join(parts)}. {counted(len(report.models), 'model')}."


def _asked(report: Report) -> list[Markup]:
    """Say which runs these are, and with which settings, which no stages file says."""
    lines = []
    for each in report.experiments:
        settings = [setting_code(redact_secrets(setting)) for setting in each.trial[:MOST_SETTINGS]]
        more = len(each.trial) - len(settings)
        said = [joined(settings, by=" "), f" and {more} more" if more else ""] if settings else ["as the stages file"]
        if each.run or settings:
            lines.append(element("p", each.about if each.run else each.name, ": ", *said, class_="asked"))
    return lines


def _best(report: Report) -> list[Markup]:
    """Return a line for each data and protocol, within which alone models compare."""
    groups: dict[str, list[Model]] = {}
    for model in report.models:
        if model.top1 is not None:
            groups.setdefault(_tested_on(model), []).append(model)
    lines = [
        element("p", f"{group}: " if len(groups) > 1 else "", *_highest(known), class_="best")
        for group, known in groups.items()
    ]
    return lines[:MOST_BEST] or [element("p", "No model has figures yet.", class_="best")]


def _highest(models: Sequence[Model]) -> tuple[Markup, str]:
    best = max(models, key=lambda model: model.top1 or 0.0)
    row = best.rows["top1"]
    spread = "" if row.std is None else f" ± {row.std:.2f}"
    said = "has the highest top-1:" if len(models) > 1 else "has a top-1 of"
    seeds = counted(len(row.values), "seed")
    return element("strong", best.title), f" {said} {row.mean:.2f}{spread} % over {seeds}."


def _missing(report: Report) -> Markup:
    lines = []
    for each in report.experiments:
        if each.to_do and each.run:
            lines.append(f"{each.name}: {each.to_do} of {counted(len(each.steps), 'output')} are not in this store.")
        elif each.to_do:
            lines.append(f"{each.name}: {len(each.steps) - each.to_do} of {counted(len(each.steps), 'step')} are done.")
    unfinished = [each for each in report.experiments if each.to_do and not each.run]
    same = " with the same --set" if any(each.settings for each in unfinished) else ""
    rest = f"; `pipeline run`{same} does the rest" if unfinished else ""
    text = f"{' '.join(lines)} This page shows what is there{rest}."
    return element("p", prose(text), class_="missing") if lines else Markup()


def _tools(report: Report) -> Markup:
    """Return the fields that choose models; the script shows them, without which they do nothing."""
    if len(report.models) < 2:
        return Markup()
    names = [
        element("option", value=model.title, data_m=str(model.number), data_sees=model.sees) for model in report.models
    ]
    sensors = dict.fromkeys(name for model in report.models for name in model.modalities)
    options = [element("option", "all", value=""), *(element("option", name, value=name) for name in sensors)]
    by_name = element("input", type="search", id="by-name", list="models", autocomplete="off")
    return joined(
        element(
            "div",
            element("label", "Models named", by_name),
            element("label", "that see", element("select", options, id="by-modality")),
            element("span", id="count", role="status", class_="soft"),
            class_="tools",
            id="tools",
            hidden=True,
        ),
        element("datalist", names, id="models"),
    )
