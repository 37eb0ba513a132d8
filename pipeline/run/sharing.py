"""Copying outputs between the store and its remotes: what ``push`` and ``pull`` do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

from pipeline.errors import ConfigError
from pipeline.plan.history import Past
from pipeline.plan.planner import Plan
from pipeline.plan.step import Step
from pipeline.run.progress import make_display, size
from store import Store
from store.chain import Name
from store.errors import StoreError
from store.transfer import Copied, copy_output

_AT_ONCE = 4  # outputs; each moves several of its objects at a time

Copy = Callable[[Callable[[int, int], None]], Copied]


@dataclass
class Shared:
    """What became of the outputs: copied (bytes sent), there already, or failed (why), by what they are called."""

    sent: dict[str, int] = field(default_factory=dict)
    there: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what became of them, as the command line prints it."""
        return {"sent": self.sent, "there": self.there, "failed": self.failed}

    def as_text(self, word: str, where: str) -> str:
        """Say it in one line."""
        text = f"{len(self.sent)} {word} ({size(sum(self.sent.values()))}), {len(self.there)} there already: {where}"
        return f"{text}; {len(self.failed)} FAILED, run it again to go on where it stopped" if self.failed else text


def named(steps: Iterable[Step]) -> dict[str, Name]:
    """Return the steps' outputs by step id."""
    return {step.id: (step.stage, step.key) for step in steps}


def everything(store: Store) -> dict[str, Name]:
    """Return all outputs of a store by stage and the beginning of their keys."""
    return {f"{stage} {key[:12]}": (stage, key) for stage, key in store.outputs() if store.has(stage, key)}


def target_of(plan: Plan, url: str | None) -> Store:
    """Return the store to push to: the one named, or else the first remote.

    Raises
    ------
    ConfigError
        No remote is named.
    """
    if url is None and not plan.chain.urls:
        raise ConfigError(
            f"{plan.path}: remote: names no store to push to\n"
            "  set remote: to a folder or a URL such as s3://bucket/features, set PIPELINE_REMOTE, or give --remote"
        )
    return Store.open(plan.chain.urls[0] if url is None else url)


def push(plan: Plan, target: Store, outputs: Mapping[str, Name], *, whole: bool = False) -> Shared:
    """Copy outputs to a remote, and name there what this experiment uses so that cleaning there keeps it.

    Parameters
    ----------
    whole
        The outputs are the whole store's, not this experiment's alone.
    """
    shared = _copy({id_: partial(copy_output, plan.store, target, *name) for id_, name in outputs.items()}, "pushed")
    mine = {(step.stage, step.key) for step in plan.steps.values()} if whole else set(outputs.values())
    arrived = {name for id_, name in outputs.items() if id_ not in shared.failed}
    if arrived & mine:
        plan.history.note_in(target, arrived & mine)
    if whole:  # other experiments use the rest
        there = target.refs()
        for name, content in plan.store.refs().items():
            if name not in there:
                target.write_ref(name, content)
    return shared


def pull(plan: Plan, outputs: Mapping[str, Name]) -> Shared:
    """Copy outputs from the first remote that has each whole into the store."""
    plan.history.use(outputs.values())
    shared = _copy({id_: partial(plan.chain.fetch, *name) for id_, name in outputs.items()}, "pulled")
    here = {id_: plan.steps[id_] for id_ in (*shared.sent, *shared.there) if id_ in plan.steps}
    plan.history.note({id_: Past(step.stage, step.key) for id_, step in here.items()})
    return shared


def _copy(copies: Mapping[str, Copy], word: str) -> Shared:
    shared = Shared()
    if not copies:
        return shared
    one_at_a_time = Lock()
    with make_display(len(copies)) as display, ThreadPoolExecutor(_AT_ONCE) as threads:

        def one(id_: str, copy: Copy) -> None:
            def progress(done: int, total: int) -> None:
                with one_at_a_time:
                    display.advance(id_, done >> 20, total >> 20, "MiB")

            with one_at_a_time:
                display.start(id_)
            said = "there already"
            try:
                if sent := copy(progress).sent:
                    shared.sent[id_], said = sent, f"{word}, {size(sent)}"
                else:
                    shared.there.append(id_)
            except StoreError as error:
                shared.failed[id_], said = str(error), "FAILED"
            with one_at_a_time:
                display.end(id_, said)

        futures = [threads.submit(one, id_, copy) for id_, copy in copies.items()]
        try:
            for future in futures:
                future.result()
        except BaseException:  # raised again below, Ctrl-C among them; what has not begun is dropped
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return shared
