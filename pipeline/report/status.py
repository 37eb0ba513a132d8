"""The plan as it stands: what is there, what would run and why, and what it would cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pipeline.plan.broken_recordings import is_doubtful
from pipeline.plan.explain import Reason, describe_acceptance, reasons
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.report.cost.estimates import Estimates, Total
from pipeline.report.formats.text_table import table
from pipeline.report.plan_notes import absent_notes, broken_count, broken_reasons, doubts, fold_notes


def as_json(plan: Plan, steps: Collection[Step], differs: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the plan as the command line prints it; estimates are null where nothing like it ran before.

    Where outputs were compared with the remotes', `differs` says where those come from that differ, by step id.
    """
    listed = []
    estimates, total = Estimates(plan), Total()
    for step in steps:
        estimate = estimates.of(step)
        total.add(plan.states[step.id], estimate)
        listed.append(
            {
                "id": step.id,
                "entry": step.entry,
                "stage": step.stage,
                **standing(plan, step),
                "estimate": {"seconds": estimate.seconds, "bytes": estimate.bytes},
                **({} if differs is None else {"differs": differs.get(step.id)}),
            }
        )
    return {
        "stages_file": str(plan.path),
        "store": plan.store.url,
        "indexed": plan.indexed,
        "absent": list(plan.absent),
        "notes": list(plan.notes),
        "broken": [
            {"recording": id_, "stream": stream, "reason": why, "doubtful": is_doubtful(plan, id_, why, stream)}
            for id_, streams in plan.broken.items()
            for stream, why in streams.items()
        ],
        "late_broken": [
            {
                "recording": id_,
                "step": step,
                "modality": plan.steps[step].work["modality"],
                "reason": why,
                "doubtful": is_doubtful(plan, id_, why),
            }
            for step, skipped in plan.skipped.items()
            for id_, why in skipped.items()
        ],
        "unparsed": [{"stream": u.stream, "path": u.path, "reason": u.reason} for u in plan.unparsed],
        "estimate": total.as_json(),
        "steps": listed,
    }


def standing(plan: Plan, step: Step) -> dict[str, Any]:
    """Return a step's key and state, why it would run, and by whom its key has earlier code, as JSON has it."""
    return {
        "key": step.key,
        "state": plan.states[step.id],
        "reasons": [reason.text for reason in reasons(plan, step)],
        "accepted": msgspec.to_builtins(step.code.acceptance),
        "equal_code": step.code.release or None,
    }


def as_text(plan: Plan, steps: Collection[Step]) -> str:
    """Write one line an entry, then why steps must run, then what cannot be used."""
    by_entry: dict[str, list[Step]] = {}
    for step in steps:
        by_entry.setdefault(step.entry, []).append(step)
    rows = []
    estimates, total = Estimates(plan), Total()
    for entry, group in by_entry.items():
        states = [plan.states[step.id] for step in group]
        counts = ", ".join(f"{states.count(s)} {s}" for s in ("cached", "remote", "partial", "todo") if s in states)
        cost = Total()
        for step, state in zip(group, states, strict=True):
            estimate = estimates.of(step)
            cost.add(state, estimate)
            total.add(state, estimate)
        rows.append([entry, group[0].stage, str(len(group)), counts, cost.as_text()])
    text = [table(["entry", "stage", "steps", "state", "estimate"], rows, right=[2])]
    if len(rows) > 1 and total.steps:
        text.append(f"in all: {total.as_text()}{' (one step after another)' if total.seconds else ''}")
    why = [(step, reasons(plan, step)) for step in steps]
    text += [*_why(plan, why), *_hint(why), *_accepted(steps), *absent_notes(plan), *fold_notes(plan)]
    if not plan.indexed:
        text.append("the index has not run: keys below it may change if it finds broken recordings")
    if broken := broken_count(plan):
        skips = plan.points[0].experiment.on_bad_recording == "skip"
        text.append(f"cannot be used: {broken}{', left out (on_bad_recording: skip)' if skips else ''}")
        text += [f"  {reason}" for reason in broken_reasons(plan)]
        if not skips:
            text.append("  a run stops at these: repair or remove them, or set `on_bad_recording: skip`")
    text += doubts(plan)
    return "\n".join(text)


def _why(plan: Plan, why: Sequence[tuple[Step, list[Reason]]]) -> list[str]:
    """Say each reason once, with the steps that share it."""
    shared: dict[str, list[Step]] = {}
    for step, its_reasons in why:
        for reason in dict.fromkeys(_brief(plan, reason) for reason in its_reasons):
            shared.setdefault(reason, []).append(step)
    lines = ["why:"] if shared else []
    for reason, group in shared.items():
        entries = ", ".join(dict.fromkeys(step.entry for step in group))
        who = group[0].id if len(group) == 1 else f"{entries} ({len(group)} steps)"
        lines.append(f"  {who}: {reason}")
    return lines


def _hint(why: Sequence[tuple[Step, list[Reason]]]) -> list[str]:
    """Say what can be done where the program changed and nothing else."""
    entries = dict.fromkeys(step.entry for step, its in why if its and all(reason.is_code for reason in its))
    return [f"where that changes no value: `pipeline accept {entry}`" for entry in entries]


def _accepted(steps: Iterable[Step]) -> list[str]:
    """Say which entries' code was accepted, each acceptance once."""
    shared: dict[str, list[str]] = {}
    for step in steps:
        if step.code.acceptance:  # not a release's table, which holds for everybody: `explain` says so
            shared.setdefault(describe_acceptance(step), []).append(step.entry)
    return [f"{', '.join(dict.fromkeys(entries))}: {text}" for text, entries in shared.items()]


def _brief(plan: Plan, reason: Reason) -> str:
    """Name the entry instead of its step where steps differ by fold and seed only; modalities say something."""
    step = plan.steps.get(reason.input)
    return f"input {step.entry} changed" if step and step.stage != "encode" else reason.text
