"""What a reader must know of a plan: data that is away, folds, recordings that cannot be used."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline.formatting import counted, shortened
from pipeline.lock import lock_path
from pipeline.plan.broken_recordings import is_doubtful
from pipeline.plan.planner import Plan


def absent_notes(plan: Plan) -> list[str]:
    """Say that what is shown is of data as the lock knows it, where there is none to look at."""
    return [f"note: as {lock_path(plan.path).name} has it: there is nothing at {place}" for place in plan.absent]


def fold_notes(plan: Plan) -> list[str]:
    """Say what is to be known of the protocol's folds: classes that one lacks, subjects on both sides."""
    return [f"note: {note}" for note in plan.notes]


def broken_reasons(plan: Plan, without: Collection[str] = (), *, named: int | None = None) -> list[str]:
    """Say of every file that cannot be used what is wrong with it; not of what some entries found.

    Recordings that lack a stream are said together, at most so many `named`.
    """
    if "index" in without:
        return late_reasons(plan, without)
    reasons, lacking = [], dict[str, list[str]]()
    for recording, streams in plan.broken.items():
        for stream, reason in streams.items() if recording else ():
            if reason == f"{recording}: has no {stream} file":
                lacking.setdefault(stream, []).append(recording)
            else:
                reasons.append(reason)
    for stream, ids in lacking.items():
        names = ", ".join(shortened(ids, len(ids) if named is None else named))
        reasons.append(f"no {stream} file in {counted(len(ids), 'recording')}: {names}")
    return [*reasons, *(f"{item.path}: {item.reason}" for item in plan.unparsed), *late_reasons(plan, without)]


def late_reasons(plan: Plan, without: Collection[str] = ()) -> list[str]:
    """Say of every recording that broke while it was encoded what was wrong; not of what some entries found."""
    return [
        f"{why}, found by {step}"
        for step, skipped in _found_by_encode(plan, without).items()
        for why in skipped.values()
    ]


def _found_by_encode(plan: Plan, without: Collection[str]) -> dict[str, Mapping[str, str]]:
    """Return the reasons by recording and step, but for the steps of some entries."""
    return {id_: skipped for id_, skipped in plan.skipped.items() if set(plan.steps[id_].entries).isdisjoint(without)}


def broken_count(plan: Plan, without: Collection[str] = ()) -> str:
    """Count what cannot be used; not what some entries found. Empty where there is nothing."""
    broken, unparsed = ((), ()) if "index" in without else (plan.broken, plan.unparsed)
    reasons = (broken, *_found_by_encode(plan, without).values())  # each by recording, which may be unknown
    recordings = len({id_ for by_id in reasons for id_ in by_id if id_})
    parts = [counted(recordings, "recording")] if recordings else []
    parts += [counted(len(unparsed), "unplaceable file")] if unparsed else []
    return " and ".join(parts)


def doubts(plan: Plan) -> list[str]:
    """Name recordings that an earlier version took for broken when the system failed to read them, and the remedy."""
    doubted = [
        ("index", why)
        for recording, streams in plan.broken.items()
        for stream, why in streams.items()
        if is_doubtful(plan, recording, why, stream)
    ]
    doubted += [
        (plan.steps[id_].entry, why)
        for id_, skipped in plan.skipped.items()
        for recording, why in skipped.items()
        if is_doubtful(plan, recording, why)
    ]
    if not doubted:
        return []
    entries = dict.fromkeys(entry for entry, _ in doubted)
    if "index" in entries:  # what was encoded goes by what the index said
        entries |= dict.fromkeys(step.entry for step in plan.steps.values() if step.stage == "encode")
    remedy = "pipeline run " + " ".join(f"--force {entry}" for entry in entries)
    return [
        f"note: the system, not the file, may be to blame for {len(doubted)} of these (the first: {doubted[0][1]}); "
        f"look again with `{remedy}`"
    ]
