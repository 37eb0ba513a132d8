"""The outputs that a user names, in a store: planned only where a word may be an entry's or a step's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.store_options import open_store
from pipeline.errors import ConfigError
from pipeline.experiment.planning import plan_of
from pipeline.plan.planner import Plan
from pipeline.run.selection import outputs_of, with_key
from pipeline.stagesfile.load import read_document
from store import Store
from store.errors import MissingOutput

if TYPE_CHECKING:
    from store import OutputName


@dataclass(frozen=True)
class NamedOutputs:
    """What a word names.

    Attributes
    ----------
    outputs
        Stage and key of each, with the id of the step; empty where no step has it.
    plan
        None where a key was looked for in the store alone.
    """

    word: str
    store: Store
    outputs: Mapping[OutputName, str]
    plan: Plan | None = None

    @classmethod
    def find(cls, path: Path, settings: tuple[str, ...], url: str | None, word: str) -> NamedOutputs:
        """Find them; ConfigError where the word is no entry, step or key, or begins several keys."""
        if (url is None or path.exists()) and _is_entry(path, word.partition("[")[0]):
            placed = settings if url is None else (*settings, f"store={url}")
            plan = plan_of(path, placed)
            return cls(word, plan.store, outputs_of(plan, [word], [plan.store]), plan)
        store = open_store(path, settings, url)
        if (name := with_key(word, store.outputs())) is not None:
            return cls(word, store, {name: ""})
        if url is None:
            plan = plan_of(path, settings)
            return cls(word, store, outputs_of(plan, [word], [store]), plan)
        raise ConfigError(
            f"WHAT {word}: no output in {store.url} has a key that begins so\n"
            f"  `pipeline store ls --store {url}` lists them"
        )

    def one(self) -> OutputName:
        """Return the only one; ConfigError where there are more."""
        if len(self.outputs) > 1:
            steps = "\n".join(f"  {id_}" for id_ in self.outputs.values())
            raise ConfigError(f"WHAT {self.word}: has {len(self.outputs)} steps\n  name one of them:\n{steps}")
        return next(iter(self.outputs))

    def state(self, name: OutputName) -> str:
        """Return an output's state in the plan; empty where it is no step's."""
        return self.plan.states[self.outputs[name]] if self.plan and self.outputs[name] else ""

    def missing(self, name: OutputName) -> MissingOutput:
        """Say of an output that is not in the store where it is, or how to make it."""
        id_ = self.outputs[name]
        called = id_ or f"{name[0]} {name[1][:12]}"
        if self.plan is None or not id_:
            return MissingOutput(
                f"{name[0]} {name[1]} in {self.store.url} was begun and never finished; run the step that makes it, or "
                "clean with `pipeline gc`"
            )
        remote = next((url for url, held in self.plan.chain.located.items() if name in held), None)
        if remote:
            return MissingOutput(f"{called} is not in {self.store.url}, but in {remote}: `pipeline pull '{called}'`")
        begun = "is begun, and not finished" if self.plan.states[id_] == "partial" else "has not run"
        entry = self.plan.steps[id_].entry
        return MissingOutput(f"{called} is not in {self.store.url}: it {begun}: `pipeline run --until {entry}`")


def _is_entry(path: Path, word: str) -> bool:
    stages = read_document(path).values.get("stages")
    return word == "index" or (isinstance(stages, dict) and word in stages)
