"""Copying outputs between the store and its remotes: what ``push`` and ``pull`` do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.formatting import size
from pipeline.plan.history import History, StepRecord
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.run.display.live import make_display
from pipeline.run.display.run_state import RunState
from store import CopyResult, OutputName, Store, copy_output
from store.errors import Corrupt, DraftLocked, NotPermitted, StoreError

if TYPE_CHECKING:
    from store import Manifest

_log = logging.getLogger(__name__)

_MAX_COPIES = 4  # of outputs, at a time; each moves several of its objects at a time
_TRIES, _PAUSE_S = 5, 1.0  # where another process, such as a cleaning, has an output's lock

Copy = Callable[[Callable[[int, int], None]], CopyResult]


@dataclass
class TransferOutcome:
    """What became of the outputs, by what they are called."""

    sent: dict[str, int] = field(default_factory=dict)  # copied now, with the bytes that this took
    present: list[str] = field(default_factory=list)  # there already
    differs: dict[str, str] = field(default_factory=dict)  # where those come from that differ
    failed: dict[str, str] = field(default_factory=dict)  # and why

    def as_json(self) -> dict[str, Any]:
        """Return what became of them, as the command line prints it."""
        return {"sent": self.sent, "there": self.present, "differs": self.differs, "failed": self.failed}

    def as_text(self, word: str, where: str) -> str:
        """Say it in one line."""
        differs = f" ({len(self.differs)} of them differ)" if self.differs else ""
        text = f"{len(self.sent)} {word} ({size(sum(self.sent.values()))}), {len(self.present)} there already{differs}"
        text += f": {where}"
        return f"{text}; {len(self.failed)} FAILED, run it again to go on where it stopped" if self.failed else text


def named(steps: Iterable[Step]) -> dict[str, OutputName]:
    """Return the steps' outputs by step id."""
    return {step.id: (step.stage, step.key) for step in steps}


def everything(store: Store) -> dict[str, OutputName]:
    """Return all outputs of a store by stage and the beginning of their keys."""
    return labelled({name: "" for name in store.outputs() if store.has(*name)})


def labelled(outputs: Mapping[OutputName, str]) -> dict[str, OutputName]:
    """Return outputs by the ids of their steps, those of no step by stage and the beginning of their keys."""
    return {id_ or f"{name[0]} {name[1][:12]}": name for name, id_ in outputs.items()}


def target_of(plan: Plan, url: str | None) -> Store:
    """Return the store to push to: the one named, or else the first remote; ConfigError where there is none."""
    if url is None and not plan.chain.urls:
        raise ConfigError(
            f"{plan.path}: remote: names no store to push to\n"
            "  set remote: to a folder or a URL such as s3://bucket/features, set PIPELINE_REMOTE, or give --remote"
        )
    target = Store.open(plan.chain.urls[0] if url is None else url)
    if target.read_only:
        target.check_writable()  # raises, and says what to do instead
    if _place(target) == _place(plan.store):
        raise ConfigError(f"{target.url} is the store itself\n  name another to push to")
    return target


def _place(store: Store) -> str:
    return store.url if "://" in store.url else str(Path(store.url).resolve())


def push(
    plan: Plan,
    target: Store,
    outputs: Mapping[str, OutputName],
    *,
    whole: bool = False,
    forced: Collection[OutputName] = (),
) -> TransferOutcome:
    """Copy outputs to a remote, where experiments name what they use first, so that cleaning there keeps it.

    `whole`: they are the whole store's, and other experiments name theirs, too. Those in `forced` take the
    place of others there.
    """
    if not outputs:
        return TransferOutcome()
    users = [plan.history, *(plan.history.others() if whole else ())]
    steps = [_steps(plan) if user is plan.history else user.steps for user in users]
    theirs = {name for user in users[1:] for name in user.pinned_outputs()}
    at_target = [user.in_store(target) for user in users]
    for user, history in zip(users, at_target, strict=True):
        mine = set(outputs.values()) - theirs if user is plan.history else set()
        _use(history, sorted((mine | user.pinned_outputs()) & set(outputs.values())))
    copies = {
        id_: partial(copy_output, plan.store, target, *name, replace=name in forced) for id_, name in outputs.items()
    }
    outcome = _copy(copies, "pushed", target)
    arrived = {name for id_, name in outputs.items() if id_ not in outcome.failed}
    for done, history in zip(steps, at_target, strict=True):
        history.record({id_: past for id_, past in done.items() if (past.stage, past.key) in arrived})
    return outcome


def pull(plan: Plan, outputs: Mapping[str, OutputName], *, forced: Collection[OutputName] = ()) -> TransferOutcome:
    """Copy outputs from the first remote that has each whole into the store.

    Those in `forced` take the place of others here.
    """
    _use(plan.history, outputs.values())
    copies = {id_: partial(plan.chain.fetch, *name, replace=name in forced) for id_, name in outputs.items()}
    outcome = _copy(copies, "pulled", plan.store)
    here = (plan.steps[id_] for id_ in (*outcome.sent, *outcome.present) if id_ in plan.steps)
    plan.history.record({step.id: StepRecord(step.stage, step.key) for step in here})
    return outcome


def pin_in_remotes(plan: Plan, names: Collection[OutputName]) -> bool:
    """Name in each remote what is relied on there; return whether it was named just now, and is to be looked for again.

    A remote that this user may read and not write keeps no name: what is fetched from there is checked and may be gone.
    """
    new = False
    for url, remote in plan.chain.remotes().items() if names else ():
        if located := sorted(plan.chain.located.get(url, set()).intersection(names)):
            try:
                new |= plan.history.in_store(remote).pin(located)
            except NotPermitted:
                continue
            except StoreError as error:
                _log.warning("note: remote %s does not know what is used of it: %s", url, error)
    return new


def compare(plan: Plan, steps: Collection[Step]) -> dict[str, str]:
    """Return which steps' outputs differ from those in the remotes, and where those come from, by step id."""
    from store import find_differing

    differing = find_differing(plan.chain, list(named(steps).values())) if plan.chain.urls else {}
    return {step.id: origin(each.theirs) for step in steps if (each := differing.get((step.stage, step.key)))}


def origin(manifest: Manifest) -> str:
    """Say who made an output, where and when, in characters that a terminal can show."""
    how = manifest.provenance
    text = f"made {manifest.created} by {how.get('user', 'somebody')} on {how.get('host', 'some machine')}"
    return "".join(each if each.isprintable() else "?" for each in text)[:200]


def _steps(plan: Plan) -> dict[str, StepRecord]:
    """Return what this experiment has done, and what else is in the store that it would do."""
    return {**plan.history.steps, **plan.history.unrecorded_steps(plan.steps.values(), plan.states)}


def _use(history: History, outputs: Iterable[OutputName]) -> None:
    """Name outputs; NotPermitted where that cannot be done."""
    history.pin(outputs)
    if history.write_error:
        raise NotPermitted(history.write_error)


def _copy(copies: Mapping[str, Copy], word: str, target: Store) -> TransferOutcome:
    outcome = TransferOutcome()
    if not copies:
        return outcome
    drawing = Lock()
    state = RunState.of_alike(copies, _MAX_COPIES)
    with make_display(state) as display, ThreadPoolExecutor(_MAX_COPIES) as threads:

        def copy_one(id_: str, copy: Copy) -> None:
            def progress(done: int, total: int) -> None:
                with drawing:
                    display.report(id_, done >> 20, total >> 20, "MiB")

            with drawing:
                display.start(id_)
            result, failed, began = "there already", False, time.monotonic()
            try:
                copied = _copy_in_spite_of_locks(copy, progress)
                if copied.already_present:
                    outcome.present.append(id_)
                else:
                    outcome.sent[id_], result = copied.sent, f"{word}, {size(copied.sent)}"
                if copied.differs is not None:
                    outcome.differs[id_] = origin(copied.differs)
                    result = f"there already, and differs: {outcome.differs[id_]}"
            except StoreError as error:
                outcome.failed[id_], result = _problem(error, target), "FAILED"
                failed = True
            with drawing:
                display.end(id_, result, time.monotonic() - began, failed=failed)

        for _ in threads.map(copy_one, copies, copies.values()):  # after an error, or Ctrl-C, begins no more
            pass
    return outcome


def _copy_in_spite_of_locks(copy: Copy, progress: Callable[[int, int], None]) -> CopyResult:
    """Copy; where another process has the lock, which a cleaning has for moments, try again a few times."""
    for _ in range(_TRIES - 1):
        try:
            return copy(progress)
        except DraftLocked:
            time.sleep(_PAUSE_S)
    return copy(progress)


def _problem(error: StoreError, target: Store) -> str:
    damaged_there = isinstance(error, Corrupt) and error.url == target.url
    return f"{error}{'; or replace it with --force WHAT' if damaged_there else ''}"
