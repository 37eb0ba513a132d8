"""Which earlier output a step's result is compared with: one whose recipe differs in its code alone."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipeline.errors import StepError
from pipeline.keys.recipe_check import is_of_recipe
from pipeline.lock import is_closure
from pipeline.plan.explain import changes
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from store import Manifest, Output, Store
from store.errors import CorruptManifest, UnsafePath, UnsupportedFormat

_MAX_REQUESTS = 16  # for manifests, at a time; those of a remote wait for the network


class NoBaseline(StepError):
    """There is no earlier output to compare with."""


def find_baseline(plan: Plan, step: Step) -> Output:
    """Return the output that this experiment last had, or else the newest with such a recipe in the store or a remote.

    NoBaseline where there is none; StepError where the one that it last had differs in more than code.
    """
    past = plan.history.steps.get(step.id)
    last = plan.chain.output(past.stage, past.key) if past and past.stage == step.stage else None
    if last is not None and not is_of_recipe(last.manifest.key, last.manifest.recipe):
        last = None
    if last is not None and differ_in_code_alone(last.manifest.recipe, step.recipe):
        return last
    for store in (plan.store, *(remote for remote in plan.chain.remotes().values() if not remote.read_only)):
        newest = max(_alike(store, step), key=lambda manifest: manifest.created, default=None)
        if newest is not None:
            return store.output(newest.stage, newest.key)
    if last is None:
        places = " or ".join([plan.store.url, *plan.chain.urls])
        remedy = "there is nothing to compare with: run it instead"
        if inputs := dict.fromkeys(plan.steps[n].entry for n in step.needs if plan.states[n] in ("todo", "partial")):
            remedy = f"its inputs changed: accept {', '.join(inputs)} first, or run it instead"
        raise NoBaseline(f"{step.id}: no output in {places} has its recipe but for the code\n  {remedy}")
    others = [each.text for each in changes(plan, step, last.manifest.recipe, step.recipe) if not each.is_code]
    same = last.manifest.recipe.get("code") == step.recipe["code"]
    problem = "its code did not change, other things did" if same else "more than its code changed"
    raise StepError(
        f"{step.id}: {problem}: {'; '.join(others)}\n"
        "  set that back, accept the code, then change it again; where an input changed, accept that entry first"
    )


def differ_in_code_alone(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Tell whether two recipes differ, and in nothing but their code; the earlier one may come from anybody."""
    code = old.get("code")
    return is_closure(code) and code != new["code"] and {**old, "code": None} == {**new, "code": None}


def _alike(store: Store, step: Step) -> list[Manifest]:
    with ThreadPoolExecutor(_MAX_REQUESTS) as threads:
        manifests = threads.map(lambda name: _manifest(store, *name), store.outputs(step.stage))
        alike = [m for m in manifests if m and differ_in_code_alone(m.recipe, step.recipe)]
        return [m for m in alike if is_of_recipe(m.key, m.recipe)]


def _manifest(store: Store, stage: str, key: str) -> Manifest | None:
    try:
        return store.manifest(stage, key)
    except (CorruptManifest, UnsafePath, UnsupportedFormat):  # somebody else's affair
        return None


def provenance(output: Output) -> str:
    """Say where and by what an output was made."""
    how = output.manifest.provenance
    return f"{how.get('device', 'an unknown device')}, torch {how.get('torch', '?')}, host {how.get('host', '?')}"
