"""Which steps can be trained as one batch: models that differ in fold and seed only."""

from __future__ import annotations

from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import STAGES
from pipeline.stagesfile.named import facts_of
from store.canonical import digest

_MAY_DIFFER = ("train", "validation", "test", "seed", "teacher", "init")  # parts of a recipe


def batch_signature(plan: Plan, step: Step) -> str | None:
    """Return a digest that is equal for steps which can be done as one; None for a step that is done by itself.

    Teachers may differ in their fold and seed as well.
    """
    named = [(table, step.recipe["params"][parameter]["name"]) for parameter, table in STAGES[step.stage].tables]
    plugins = step.point.plugins
    if not STAGES[step.stage].together or not all(facts_of(plugins, *each).stacks for each in named):
        return None
    common = {name: value for name, value in step.recipe.items() if name not in _MAY_DIFFER}
    teacher = step.work["teacher"]
    return digest(
        {
            "entry": step.entry,
            "recipe": common,
            "inputs": list(step.work["inputs"]),
            "weights": step.work["weights"],
            "teacher": batch_signature(plan, plan.steps[teacher]) or plan.steps[teacher].key if teacher else None,
        }
    )
