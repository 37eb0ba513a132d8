"""Steps of a plan as they are found: those of equal keys become one."""

from __future__ import annotations

from dataclasses import replace

from pipeline.plan.steps.axes import point_axes
from pipeline.plan.steps.code_resolver import CodeResolver
from pipeline.plan.steps.step import Step, StepCode
from pipeline.registry import STAGES, PlugIn, Registration, check_hashable, module_of


class StepCollection:
    """The steps that there are, and the code that they run.

    Attributes
    ----------
    steps
        By id.
    """

    def __init__(self, code: CodeResolver) -> None:
        self.steps: dict[str, Step] = {}
        self._resolver = code
        self._by_key: dict[str, str] = {}  # the step's id, by its key
        self._codes: dict[tuple[str, ...], StepCode] = {}  # by the modules that a step starts from

    def _add(self, step: Step) -> Step:
        """Add a step, and return it as it stands in the plan.

        Where another matrix point or entry has a step of this key already, that one gets the new one's labels, and its
        entry as one that shares it. A new step whose id is taken gets the point's keys among its axes.
        """
        if step.key in self._by_key:
            known = self.steps[self._by_key[step.key]]
            shared = known.shared if step.entry in known.entries else (*known.shared, step.entry)
            labels = (*known.labels, *(label for label in step.labels if label not in known.labels))
            step = replace(known, shared=shared, labels=labels)
        else:
            if step.id in self.steps:
                step = replace(step, axes={**step.axes, **point_axes(step.point)})
            self._by_key[step.key] = step.id
        self.steps[step.id] = step
        return step

    def _code(self, stage: str, *named: Registration) -> StepCode:
        """Return the code of a stage and of what its parameters name, resolved once for all steps of the same."""
        references = [STAGES[stage].run, *(each for name in named for each in (name.params, name.build))]
        roots = tuple(map(module_of, references))
        if roots not in self._codes:
            check_hashable(STAGES[stage].run)
            for each in named:
                if not isinstance(each, PlugIn):
                    check_hashable(each.params)
                    check_hashable(each.build)
            self._codes[roots] = self._resolver.resolve(roots)
        return self._codes[roots]
