"""Which steps can be done as one: models that differ in their fold and seed only."""

from __future__ import annotations

from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import MODELS, STAGES
from store.canonical import digest

_OWN = ("train", "test", "seed", "teacher")  # of a recipe: what a model may have for itself


def batch_signature(plan: Plan, step: Step) -> str | None:
    """Return what steps that can be done as one have in common; None for a step that is done by itself.

    Teachers may differ in their fold and seed as well.
    """
    if not STAGES[step.stage].together or not MODELS[step.recipe["params"]["model"]["name"]].stacks:
        return None
    same = {name: value for name, value in step.recipe.items() if name not in _OWN}
    teacher = step.work["teacher"]
    return digest(
        {
            "entry": step.entry,
            "recipe": same,
            "inputs": list(step.work["inputs"]),
            "weights": step.work["weights"],
            "teacher": batch_signature(plan, plan.steps[teacher]) or plan.steps[teacher].key if teacher else None,
        }
    )
