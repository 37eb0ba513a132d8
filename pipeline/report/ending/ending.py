"""What a run says at its end: what came out, how many steps were done, what to do next."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.formatting import counted, duration
from pipeline.plan.planner import Plan
from pipeline.plan.runs.slots import number_of
from pipeline.plan.steps.step import Step
from pipeline.registry import TRAINED
from pipeline.report.results_text import missing_evaluate, notes, results_text
from pipeline.run.outcome import Outcome


def ending_text(plan: Plan, selected: Mapping[str, Step], outcome: Outcome, seconds: float, target: str | None) -> str:
    """Write the last lines of a run that took so many seconds.

    `target` is the entry that it was to do no more than; None of a run of everything, which shows the results.
    """
    return "\n".join(
        filter(
            None,
            [
                *([_made(plan, target)] if target else _results(plan, selected)),
                _counts(plan, selected, outcome, seconds),
                "" if target else _page(plan),
                "" if target else _robustness(plan),
            ],
        )
    )


def _made(plan: Plan, target: str) -> str:
    from pipeline.report.ending.made import made_text

    return made_text(plan, target)


def _page(plan: Plan) -> str:
    """Say how what came out becomes a page; of a trial that is not remembered nothing."""
    if not _evaluated(plan):
        return ""
    if not plan.trial:
        return "all of it as a page for a browser: `pipeline report`"
    number = number_of(plan)
    return f"this is run {number}: as a page, `pipeline report {number}`; `pipeline runs` lists all" if number else ""


def _robustness(plan: Plan) -> str:
    if not any(step.stage == "robustness" and plan.states[step.id] == "cached" for step in plan.steps.values()):
        return ""
    same = " with the same --set" if plan.trial else ""
    return f"what absent and harmed sensors cost: `pipeline results --robustness`{same}"


def _results(plan: Plan, selected: Mapping[str, Step]) -> list[str]:
    if _evaluated(plan):
        return [results_text(plan)]
    trains = any(step.stage in TRAINED for step in selected.values())
    return [*notes(plan), missing_evaluate(plan) if trains else ""]


def _evaluated(plan: Plan) -> bool:
    return any(step.stage == "evaluate" and plan.states[step.id] == "cached" for step in plan.steps.values())


def _counts(plan: Plan, selected: Mapping[str, Step], outcome: Outcome, seconds: float) -> str:
    done, fetched, unsuccessful = len(outcome.done), len(outcome.fetched), outcome.unsuccessful
    remote = sum(plan.states[id_] == "remote" for id_ in selected)
    cached = len(selected) - len({*outcome.done, *outcome.fetched, *unsuccessful} & selected.keys()) - remote
    elsewhere = "fetched, or made by another run" if plan.chain.urls else "made by another run"
    others = [f"{fetched} {elsewhere}"] if fetched else []
    others += [f"{cached} cached before"]
    others += [f"{remote} in a remote and not needed here"] if remote else []
    if unsuccessful:
        return f"{counted(len(unsuccessful), 'step')} failed or left out, {done} done, {', '.join(others)}"
    if done or fetched:
        return f"{counted(done, 'step')} done in {duration(seconds)}, {', '.join(others)}"
    away = f", {remote} of them in a remote" if remote else ""
    return f"everything is cached ({counted(cached + remote, 'step')}{away}), nothing to do"
