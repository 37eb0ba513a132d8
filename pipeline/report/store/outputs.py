"""A store's outputs: the list, one in full, and what the bytes are for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pipeline.formatting import counted, cut, duration, shortened, size
from pipeline.report.formats.text_table import table
from pipeline.report.store.cleaning import age, ref_json
from store import Folder, Manifest, Origin, OutputName, Ref, Totals, Usage

_WIDE = 110  # columns, from which on the list says who made what
_MOST_LISTED = 8  # parents, children, users, in text
_SHOWN = ("user", "host", "seconds", "device", "python", "torch", "platform")  # of the provenance, in words


@dataclass(frozen=True)
class OutputRow:
    """One output of the list."""

    folder: Folder
    origin: Origin | None
    refs: Sequence[Ref]

    def as_json(self) -> dict[str, Any]:
        """Return it as the command line prints it."""
        return {
            "stage": self.folder.stage,
            "key": self.folder.key,
            "state": self.state,
            "created": self.origin.created if self.origin else None,
            "written": moment(self.folder.last_modified, "seconds"),
            "bytes": self.folder.bytes,
            "objects": self.folder.objects,
            "user": self.provenance.get("user"),
            "host": self.provenance.get("host"),
            "refs": [ref.name for ref in self.refs],
        }

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What is known of how it was made; empty where its manifest cannot be read."""
        return self.origin.provenance if self.origin else {}

    @property
    def state(self) -> str:
        """Return published, unfinished, or damaged (a manifest that cannot be read)."""
        if not self.folder.published:
            return "unfinished"
        return "published" if self.origin else "damaged"


def list_text(listed: Sequence[OutputRow], url: str, width: int) -> str:
    """Write one line an output, by stage, the newest last, within `width` columns where that can be."""
    if not listed:
        return f"no outputs in {url}"
    header = ["stage", "key", "written", "size", "by", "experiment", "step"]
    rows = []
    for each in listed:
        made = moment(each.folder.last_modified)[: 16 if width >= _WIDE else 10]
        experiment, step = _used(each)
        size_ = size(each.folder.bytes)
        rows.append([each.folder.stage, each.folder.key[:12], made, size_, _who(each), experiment, step])
    if width < _WIDE:  # who made it stands in `store show`
        header, *rows = ([*row[:4], *row[5:]] for row in (header, *rows))
    used = sum(max(len(row[i]) for row in [header, *rows]) + 2 for i in range(len(header) - 1))
    rows = [[*row[:-1], cut(row[-1], max(width - used, 12))] for row in rows]
    text = table(header, rows, right=[3])
    total = size(sum(each.folder.bytes for each in listed))
    return f"{text}\n\n{counted(len(listed), 'output')}, {total}, in {url}"


def _who(each: OutputRow) -> str:
    return each.state.upper() if each.state != "published" else cut(_at(each.provenance) or "-", 20)


def _used(each: OutputRow) -> tuple[str, str]:
    """Return the experiment that uses an output, and what it calls it."""
    if not each.refs:
        return "-", each.state.upper() if each.state != "published" else ""
    more = f" +{len(each.refs) - 1}" if len(each.refs) > 1 else ""
    called = next((step for ref in each.refs if (step := ref.outputs.get(each.folder.name))), "")
    return cut(_experiment(each.refs[0]), 20) + more, called


class StepRow(NamedTuple):
    """A step of an entry, and its output; `state` as the plan has it."""

    id: str
    stage: str
    key: str
    state: str


def steps_text(steps: Sequence[StepRow], url: str) -> str:
    """Write one line a step of an entry."""
    rows = [[step.id, step.stage, step.key[:12], step.state] for step in steps]
    text = table(["step", "stage", "key", "state"], rows)
    return f"{text}\n\n{counted(len(steps), 'step')} in {url}; `pipeline store show 'STEP'` tells of one"


def show_text(
    manifest: Manifest, origins: Mapping[str, Sequence[OutputName]], refs: Sequence[Ref], written: float
) -> str:
    """Write where an output comes from and what it is used for.

    Parameters
    ----------
    origins
        Outputs that it was ``made from`` and ``made into``, and those of the ``same recipe`` but for its raw data.
    """
    how = manifest.provenance
    total = size(manifest.bytes)
    lines = [f"{manifest.stage} {manifest.key}", ""]
    by = f" by {_at(how)}" if _at(how) else ""
    created = manifest.created[:16].replace("T", " ")
    facts = [("made", f"{created} UTC{by}"), ("written here", f"{moment(written)} UTC")]
    if isinstance(how.get("seconds"), (int, float)):
        facts.append(("took", duration(float(how["seconds"])) + (f" on {how['device']}" if "device" in how else "")))
    facts.append(("size", f"{total} in {counted(len(manifest.objects), 'object')}"))
    versions = [f"{name} {how[name]}" for name in ("python", "torch", "platform") if name in how]
    facts += [("with", ", ".join(versions))] if versions else []
    for title, names in origins.items():
        facts += [(title, _listed([f"{stage} {key[:12]}" for stage, key in names]))] if names else []
    users = [", ".join(part for part in (ref.owner, ref.path or ref.name) if part) for ref in refs]
    facts.append(("used by", _listed(users) or "no experiment"))
    width = max(len(title) for title, _ in facts)
    for title, value in facts:
        first, *rest = value.split("\n")
        lines += [f"{title.ljust(width)}  {first}", *(f"{' ' * width}  {line}" for line in rest)]
    more = {name: value for name, value in how.items() if name not in _SHOWN}
    if more:
        lines += ["", "also noted", *_indented(more)]
    return "\n".join([*lines, "", "recipe", *_indented(manifest.recipe)])


def show_json(
    manifest: Manifest, origins: Mapping[str, Sequence[OutputName]], refs: Sequence[Ref], written: float
) -> dict[str, Any]:
    """Return all of it, but for the list of objects."""
    titles = {"made from": "parents", "made into": "children", "same recipe": "family_members"}
    return {
        "stage": manifest.stage,
        "key": manifest.key,
        "attempt": manifest.attempt,
        "created": manifest.created,
        "written": moment(written, "seconds"),
        "objects": len(manifest.objects),
        "bytes": manifest.bytes,
        "provenance": manifest.provenance,
        "family": manifest.family,
        **{titles[title]: [{"stage": s, "key": k} for s, k in names] for title, names in origins.items()},
        "refs": [ref_json(ref) for ref in refs],
        "recipe": manifest.recipe,
    }


def usage_text(usage: Usage, url: str) -> str:
    """Write two tables: by stage, and by experiment; then what is of no use."""
    rows = [[stage, f"{each.outputs:,}", size(each.bytes)] for stage, each in usage.stages.items()]
    text = [table(["stage", "outputs", "size"], rows, right=[1, 2]), ""] if rows else []
    if usage.shares:
        rows = [
            [_experiment(s.ref), s.ref.owner or "-", _age(s.ref), size(s.alone.bytes), size(s.shared.bytes), s.ref.name]
            for s in usage.shares
        ]
        header = ["experiment", "by", "changed", "alone", "shared", "reference"]
        text += [table(header, rows, right=[2, 3, 4]), ""]
    titles = {"used by no experiment": usage.unused, "left behind": usage.orphaned, "quarantine": usage.quarantine}
    rows = [[title, f"{each.outputs:,}", size(each.bytes)] for title, each in titles.items() if each.outputs]
    text += [table(["can be cleaned, by gc", "outputs", "size"], rows, right=[1, 2]), ""] if rows else []
    return "\n".join([*text, f"{size(usage.total)} in {url}"])


def usage_json(usage: Usage, url: str) -> dict[str, Any]:
    """Return the same."""

    def plain(each: Totals) -> dict[str, int]:
        return {"outputs": each.outputs, "bytes": each.bytes}

    return {
        "store": url,
        "bytes": usage.total,
        "stages": {stage: plain(each) for stage, each in usage.stages.items()},
        "experiments": [
            {**ref_json(share.ref, "ref"), "alone": plain(share.alone), "shared": plain(share.shared)}
            for share in usage.shares
        ],
        "unused": plain(usage.unused),
        "left_behind": plain(usage.orphaned),
        "quarantine": plain(usage.quarantine),
    }


def moment(seconds: float, to: str = "minutes") -> str:
    """Write a moment in UTC."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec=to)
    return text if to == "seconds" else text.partition("+")[0].replace("T", " ")


def _at(provenance: Mapping[str, Any]) -> str:
    return "@".join(str(provenance[name]) for name in ("user", "host") if provenance.get(name))


def _experiment(ref: Ref) -> str:
    return ref.path.rpartition("/")[2] or ref.name


def _age(ref: Ref) -> str:
    return "-" if ref.age_s is None else age(ref.age_s)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(shortened(lines, _MOST_LISTED))


def _indented(value: Mapping[str, Any]) -> list[str]:
    return [f"  {line}" for line in json.dumps(value, indent=1, ensure_ascii=False).splitlines()]
