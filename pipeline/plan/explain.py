"""Why a step must run: which parameter, input, raw file or source file changed, from what to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.keys.plugin_code import is_plugin, source_file
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from store.errors import StoreError

_UNSET = "unset"  # of a key that a recipe has not


class Reason(NamedTuple):
    """One reason why a step is not cached."""

    text: str  # for people
    is_code: bool = False  # it is a change of one of the program's source files
    input: str = ""  # the id of the step whose output changed; empty where it is about something else


def reasons(plan: Plan, step: Step) -> list[Reason]:
    """Return why a step is not cached; nothing where it is."""
    state = plan.states[step.id]
    if state == "cached":
        return []
    if state == "remote":
        return [Reason("is in a remote, and fetched when something needs it")]
    last = plan.history.steps.get(step.id)
    journal = [Reason("is begun: another run is at it, or it goes on from its journal")] if state == "partial" else []
    if last is None:
        return journal or [Reason("has not run yet")]
    if last.key == step.key:
        return journal or [Reason("its output is no longer in the store")]
    try:
        manifest = plan.store.manifest(last.stage, last.key)
    except StoreError:
        manifest = None
    if manifest is None:
        return [*journal, Reason("its recipe changed (the earlier one is no longer in the store)")]
    return journal + (list(changes(plan, step, manifest.recipe, step.recipe)) or [Reason("its recipe changed")])


def describe_code(plan: Plan, step: Step) -> str:
    """Say how the code in a step's recipe came to stand for the code as it is; empty where it is that code.

    That it is an earlier release's says something of outputs alone: nothing is said of a step that has made none.
    """
    if step.code.acceptance is None and step.code.release and plan.states[step.id] != "todo":
        return "its key is by the code of an earlier release, which was proved to give equal values (docs/keys.md)"
    return describe_acceptance(step)


def describe_acceptance(step: Step) -> str:
    """Say how a step's code was accepted; empty where it was not."""
    entry = step.code.acceptance
    if entry is None:
        return ""
    worst = max(entry.difference.values(), default=0.0)
    result = f"values within {worst:.2g} of their scale" if worst else "equal values"
    checked = "; ".join(entry.checked)
    return f"its code was accepted for earlier code by {entry.by} on {entry.at} ({result} in {checked})"


def changes(plan: Plan, step: Step, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Reason]:
    """Yield what differs between a step's earlier recipe and a new one."""
    for field in sorted({*old, *new}, key=lambda name: (name != "source", name)):
        before, after = old.get(field, _UNSET), _as_read(new.get(field, _UNSET))
        if before == after:
            continue
        if field == "code":
            yield from _code(plan.snapshot.code.in_present_names(step.code, _mapping(before)), _mapping(after))
        elif field == "raw":
            described = list(_description(plan))
            yield from map(Reason, described if step.stage != "index" else ())
            yield from map(Reason, _raw(plan, _mapping(before), _mapping(after), bool(described)))
        elif field in ("features", "teacher", "init", "model", "members"):
            yield from _inputs(plan, step, field, before, after)
        elif field in ("train", "test") and _mapping(before) and _mapping(after):
            yield Reason(f"the fold's {field} side: {_sides(before['recordings'], after['recordings'])}")
        elif field in ("rows", "table"):
            yield Reason("the table of recordings changed")
        else:
            yield from map(Reason, _values("parameter" if field == "params" else field, before, after))


def _sides(before: int, after: int) -> str:
    return f"{before} -> {after} recordings" if before != after else f"{after} recordings, others or labelled otherwise"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_read(value: Any) -> Any:
    """Return a value of a recipe as it is read from a manifest again: lists where there are tuples."""
    if isinstance(value, dict):
        return {key: _as_read(each) for key, each in value.items()}
    return [_as_read(each) for each in value] if isinstance(value, list | tuple) else value


def _values(name: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            before, after = old.get(key, _UNSET), new.get(key, _UNSET)
            if before != after:
                separator = " " if name == "parameter" else "."
                yield from _values(f"{name}{separator}{key}", before, after)
    else:
        yield f"{name}: {_short(old)} -> {_short(new)}"


def _description(plan: Plan) -> Iterator[str]:
    """Say how the source is described otherwise than when its index was made: which files it lists depends on that."""
    last = plan.history.steps.get("index")
    if last is None:
        return
    try:
        manifest = plan.store.manifest(last.stage, last.key)
    except StoreError:
        return
    if manifest is not None:
        old = _mapping(manifest.recipe.get("source"))
        yield from _values("source", old, _as_read(plan.steps["index"].recipe["source"]))


def _code(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Reason]:
    for module in sorted({*old, *new}):
        if old.get(module) != new.get(module):
            what = "is new" if module not in old else "is no longer used" if module not in new else "changed"
            before, after = (str(side.get(module, "-"))[:8] for side in (old, new))
            yield Reason(f"source file {_source_file(module)} {what} ({before} -> {after})", is_code=True)


def _source_file(module: str) -> str:
    """Return a module's file as the repository has it; that of one that is gone is a guess."""
    if is_plugin(module):
        return source_file(module)
    path = module.replace(".", "/")
    is_package = (Path(__file__).parents[2] / path).is_dir()
    return f"{path}/__init__.py" if is_package else f"{path}.py"


def _raw(plan: Plan, old: Mapping[str, str], new: Mapping[str, str], described: bool) -> Iterator[str]:
    """Say what changed of each stream's files; where the source is `described` otherwise, only how many."""
    for stream in sorted({*old, *new}):
        if old.get(stream) == new.get(stream):
            continue
        if stream not in old or stream not in new:
            yield f"stream {stream} {'is new' if stream not in old else 'is no longer read'}"
            continue
        locked = plan.old_lock.raw.get(stream)
        now = plan.lock.raw[stream].files
        if locked is None or locked.digest != old[stream] or not now:
            yield f"the raw data of {stream} changed"
            continue
        files = sorted(path for path in {*locked.files, *now} if locked.files.get(path) != now.get(path))
        changes = [(path, locked.files.get(path), now.get(path)) for path in files]
        if described:
            counts = Counter(_change(before, after, "is no longer listed") for _, before, after in changes)
            said = ", ".join(f"{count:,} {what.removeprefix('is ')}" for what, count in counts.items())
            yield f"raw files of {stream}: {said}"
            continue
        for path, before, after in changes[:5]:
            yield f"raw file {path} {_change(before, after, 'is gone')}{_from_to(before, after)}"
        if len(files) > 5:
            yield f"and {len(files) - 5} more raw files of {stream}"


def _change(before: tuple[int, str] | None, after: tuple[int, str] | None, gone: str) -> str:
    return "is new" if before is None else gone if after is None else "changed"


def _from_to(before: tuple[int, str] | None, after: tuple[int, str] | None) -> str:
    if before is None or after is None:
        return ""
    if before[0] != after[0]:
        return f" ({before[0]} -> {after[0]} bytes)"
    return f" ({before[1][:8]} -> {after[1][:8]})"


def _inputs(plan: Plan, step: Step, field: str, old: Any, new: Any) -> Iterator[Reason]:
    keys = set(new.values()) - set((old or {}).values()) if isinstance(new, dict) else {new}
    changed = [need for need in step.needs if plan.steps[need].key in keys]
    for need in changed:
        yield Reason(f"input {need} changed", input=need)
    if not changed:
        yield Reason(f"{field}: {_short(old)} -> {_short(new)}")


def _short(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
