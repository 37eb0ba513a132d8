"""``pipeline accept ENTRY``."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from pipeline.cli.options import experiment_options
from pipeline.cli.told import say
from pipeline.errors import ConfigError, PipelineError, StepError
from pipeline.experiment.planning import plan_of
from pipeline.lock import Accepted, lock_path, read_lock, write_lock
from pipeline.plan.history import user_name
from pipeline.plan.planner import Plan, states_of
from pipeline.plan.steps.step import Step, runs_network
from pipeline.run.selection import check_entry
from pipeline.stagesfile.schema import did_you_mean
from pipeline.terminal import note
from store.errors import StoreError
from trainers.errors import TrainingError

if TYPE_CHECKING:
    from pipeline.accept.check import CheckResult
    from pipeline.accept.groups import AcceptanceGroup

_OF_NETWORKS, _OF_ARITHMETIC = 1e-4, 1e-5  # parts of an array's scale


@click.command()
@click.argument("entry")
@click.argument("step", required=False)
@experiment_options
@click.option(
    "--tolerance", type=click.FloatRange(min=0.0, max=1.0), metavar="X", show_default="1e-4 for video, else 1e-5",
    help="The largest difference to take, as a part of an array's scale; 0: equal bits.",
)  # fmt: skip
@click.option(
    "--shards", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Shards to compute again."
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where networks run; auto: on a GPU where there is one.",
)  # fmt: skip
def command(
    entry: str,
    step: str | None,
    path: Path,
    settings: tuple[str, ...],
    tolerance: float | None,
    shards: int,
    device: str,
) -> int:
    """Take changed code of ENTRY that gives the values of the earlier code, so that nothing need run again."""
    if tolerance is not None and math.isnan(tolerance):
        raise click.UsageError("--tolerance nan: not a number from 0 to 1")
    plan = plan_of(path, settings)
    steps = _steps(plan, entry, step)
    code_changed = [s for s in steps if plan.states[s.id] in ("todo", "partial")]
    if not code_changed:
        say(f"{step or entry}: nothing to accept, {'it is' if step else 'all of it is'} in the store")
        return 0
    from pipeline.accept.groups import acceptance

    accepted: dict[str, Accepted] = {}
    targets = list(_targets(plan, code_changed))
    if plan.trial:
        raise ConfigError(
            f"accept {entry}: would write {lock_path(path).name}, and --set makes this a trial of another experiment\n"
            "  accept without it (--set of source.root, store and remote may stay), or put the change into the file"
        )
    for target in targets:
        if target.never_made:
            note(f"never made before and not checked: {', '.join(target.never_made)}")
        if not target.pairs:
            continue
        taken = _default_tolerance(target) if tolerance is None else tolerance
        checked = _check(plan, target, device, taken, shards)
        _refuse_others(entry, target, checked, taken)
        accepted[target.code] = acceptance(entry, target, checked, taken, user_name())
    lock = lock_path(path)
    now = read_lock(lock) if lock.exists() else plan.lock
    write_lock(lock, msgspec.structs.replace(now, accepted={**now.accepted, **accepted}), now)
    new = plan_of(path, settings)
    if new.history.pin((each.stage, each.key) for each in new.steps.values()):
        new.states.update(states_of(new.chain, new.steps.values()))  # cleaning may have come between
    _report(plan, new, entry, accepted, lock)
    return 0


def _default_tolerance(target: AcceptanceGroup) -> float:
    """Return what rounding alone can make differ: what computes a network on a CPU rounds otherwise than another."""
    networks = all(step.stage == "encode" and runs_network(step.recipe) for step, _ in target.pairs)
    return _OF_NETWORKS if networks else _OF_ARITHMETIC


def _targets(plan: Plan, steps: list[Step]) -> list[AcceptanceGroup]:
    """Find what is compared with what, having named it first: cleaning keeps from then on what is still there."""
    from pipeline.accept.groups import find_groups
    from pipeline.run.push_pull import pin_in_remotes

    targets = find_groups(plan, steps)
    used = {(old.manifest.stage, old.manifest.key) for target in targets for _, old in target.pairs}
    used |= {(plan.steps[need].stage, plan.steps[need].key) for step in steps for need in step.needs}
    new = plan.history.pin(sorted(used))
    elsewhere = [name for name in used if not plan.store.has(*name)]
    plan.chain.locate(elsewhere)
    new |= pin_in_remotes(plan, elsewhere)
    return find_groups(plan, steps) if new else targets


def _steps(plan: Plan, entry: str, step: str | None) -> list[Step]:
    check_entry(plan, "accept", entry)
    steps = [each for each in plan.steps.values() if entry in each.entries]
    if step is None:
        return steps
    chosen = [each for each in steps if each.id == step]
    if not chosen:
        remedy = did_you_mean(step, [each.id for each in steps])
        raise ConfigError(f"accept {entry} {step}: no such step of {entry}\n  {remedy}")
    return chosen


def _check(plan: Plan, target: AcceptanceGroup, device: str, tolerance: float, shards: int) -> list[CheckResult]:
    from pipeline.accept.check import check
    from pipeline.error_origin import describe_unforeseen
    from pipeline.run.display.live import make_display
    from pipeline.run.display.run_state import RunState

    checked = []
    with make_display(RunState.of_alike([step.id for step, _ in target.pairs], 1)) as display:
        for step, earlier in target.pairs:
            display.start(step.id)
            progress = partial(display.report, step.id)
            try:
                result = check(
                    plan, step, earlier, device=device, tolerance=tolerance, shards=shards, progress=progress
                )
            except (PipelineError, StoreError, TrainingError, OSError):
                raise
            except Exception as error:  # of the changed code
                raise StepError(f"{step.id}: {describe_unforeseen(error)}") from error
            checked.append(result)
            display.end(step.id, f"{result.what}: {_measured(result)}")
    return checked


def _measured(checked: CheckResult) -> str:
    if all(each.bits for each in checked.differences):
        return "equal to the bit"
    worst = max(checked.differences, key=lambda each: each.largest)
    if worst.largest == 0.0:
        return "equal values"
    return f"differs by up to {worst.largest:.2g} of the scale ({worst.name})"


def _refuse_others(entry: str, target: AcceptanceGroup, checked: list[CheckResult], tolerance: float) -> None:
    from pipeline.accept.baseline import provenance

    lines = [
        f"  {check.step.id} {check.what}, {each.name}: {each.where}"
        + (f" ({each.largest:.2g} of the scale, {each.mean:.2g} on average)" if each.largest < math.inf else "")
        for check in checked
        for each in check.differences
        if not each.taken
    ]
    if lines:
        made = provenance(target.pairs[0][1])
        raise StepError(
            f"accept {entry}: the code changes values by more than {tolerance:g} of their scale; nothing is accepted\n"
            + "\n".join(lines)
            + f"\n  the earlier output was made on {made}; another kind of machine may need --tolerance\n"
            "  mend the code, or run `pipeline run` to make the output anew"
        )


def _report(old: Plan, new: Plan, entry: str, accepted: dict[str, Accepted], lock: Path) -> None:
    again = [id_ for id_, state in new.states.items() if state == "cached" and old.states.get(id_) != "cached"]
    remaining = [id_ for id_, state in new.states.items() if state in ("todo", "partial")]
    say(f"{lock.name}: the code of {entry} is accepted for the earlier one; {len(again)} steps are cached again")
    others = {s.entry for s in new.steps.values() if entry not in s.entries and s.code.acceptance in accepted.values()}
    if others:
        say(f"it holds for {', '.join(sorted(others))}, too: the same code, which was checked with {entry} alone")
    if remaining:
        say(f"{len(remaining)} steps must still run or be accepted, see `pipeline status`")
