"""The plan of a stages file with settings, and what whoever asked for it must know."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container
from pathlib import Path

from pipeline.lock import lock_path
from pipeline.log import info
from pipeline.plan.planner import Plan, make_plan, plan_again
from pipeline.registry import TRAINED
from pipeline.report.progress_line import ProgressLine
from pipeline.stagesfile.settings import parse_setting
from pipeline.terminal import note


def reported_of(plan: Plan) -> set[str]:
    """Return the URLs of the remotes of which `note_failures` says something."""
    return {*plan.chain.failures, *plan.chain.absent}


def note_failures(plan: Plan, reported: Container[str]) -> None:
    """Say which remotes are left out, or are no stores yet, but for those of which that was said before."""
    for url, why in plan.chain.failures.items():
        if url not in reported:
            note(f"remote {url} is left out: {why}")
    for url, remote in plan.chain.absent.items():
        if url not in reported:
            or_push = "" if remote.read_only else ", or `pipeline push` makes one there"
            note(f"there is no store at the remote {url}: check its name{or_push}")


def plan_of(path: Path, settings: tuple[str, ...], earlier: Plan | None = None) -> Plan:
    """Make the plan, or an `earlier` one again; show long hashing on standard error, and say once what is away."""
    started, line = time.monotonic(), ProgressLine()

    def progress(what: str, done: int, total: int) -> None:
        line.update(f"{what}: {done} of {total}")

    reported = reported_of(earlier) if earlier else set()
    plan = plan_again(earlier) if earlier else make_plan(path, [parse_setting(text) for text in settings], progress)
    line.clear()
    note_failures(plan, reported)
    counts = ", ".join(f"{count} {state}" for state, count in Counter(plan.states.values()).items())
    info(__name__, "planned %d steps in %.2f s: %s", len(plan.steps), time.monotonic() - started, counts)
    if earlier is None:
        for location, what in plan.absent.items():
            note(f"{what} not at {location}; keys come from {lock_path(path).name}")
        _note_idle_defaults(plan, settings)
    return plan


def _note_idle_defaults(plan: Plan, settings: tuple[str, ...]) -> None:
    """Say of a default of ``fit`` that was set on the command line where no entry leaves it open."""
    entries = [entry for point in plan.points for entry in point.entries.values() if entry.stage in TRAINED]
    for key in (setting.partition("=")[0] for setting in settings):
        top, _, name = key.partition(".")
        if top == "fit" and name and entries and all(name in (entry.body.get("fit") or {}) for entry in entries):
            note(f"--set {key} changes nothing: each entry says its own; set stages.{entries[0].name}.{key}")
