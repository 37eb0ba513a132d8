"""What checking outputs has found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.formatting import size
from pipeline.report.gc_report import foreign_notes, irregular_notes
from store import IrregularPath, VerifyResult
from store.errors import StoreError

_MOST_OBJECTS = 20  # of one output, in text

OutputName = tuple[str, str]  # an output's stage and key
Check = Callable[[OutputName], VerifyResult | StoreError | None]


@dataclass(frozen=True)
class VerifyReport:
    """What was found.

    Attributes
    ----------
    missing
        Outputs of the experiment that are not there.
    failed
        Those that could not be read, and why: a failure of the network or the disk.
    moved
        Where damaged ones were set aside.
    steps
        What the experiment calls each output.
    irregular
        What is neither a plain file nor a folder.
    foreign
        Of a whole store: what lies in its folders and is not of it.
    """

    url: str
    deep: bool
    checked: Sequence[VerifyResult]
    missing: Sequence[OutputName]
    failed: Mapping[OutputName, str]
    moved: Mapping[OutputName, str]
    steps: Mapping[OutputName, str]
    irregular: Sequence[IrregularPath] = ()
    foreign: Sequence[str] = ()

    def as_text(self) -> str:
        """Name each damaged object with what was expected and found, then the count."""
        lines: list[str] = []
        for each in self.checked:
            if each.damage:
                lines += self._damaged(each)
            if each.foreign:
                more = f" and {len(each.foreign) - 3} more" if len(each.foreign) > 3 else ""
                lines.append(
                    f"note: {self._called((each.stage, each.key))} has objects that its manifest does not list, "
                    f"which nothing reads: {', '.join(each.foreign[:3])}{more}"
                )
        misread = [line for each in self.checked for line in each.misread]
        lines += [f"warning: {line}" for line in misread]
        lines += irregular_notes(self.irregular) + foreign_notes(self.foreign)
        lines += [f"cannot be checked: {self._called(name)}: {why}" for name, why in self.failed.items()]
        damaged = sum(1 for each in self.checked if each.damage)
        how = "every SHA-256 compared" if self.deep else "sizes compared"
        outputs = f"{len(self.checked):,} output{'s' if len(self.checked) != 1 else ''}"
        counts = [f"{damaged} damaged" if damaged else "none damaged"]
        counts += [f"{len(self.failed)} could not be checked"] if self.failed else []
        counts += [f"{len(misread)} read wrong once"] if misread else []
        counts += [f"{len(self.missing)} not there"] if self.missing else []
        total = size(sum(each.bytes for each in self.checked))
        lines.append(f"{outputs} in {self.url} ({total}), {how}: {', '.join(counts)}")
        if damaged > len(self.moved):
            lines.append("set damaged outputs aside with --quarantine; the next run fetches or makes them again")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "store": self.url,
            "deep": self.deep,
            "checked": len(self.checked),
            "bytes": sum(each.bytes for each in self.checked),
            "damaged": [
                {
                    "step": self.steps.get((each.stage, each.key)) or None,
                    "stage": each.stage,
                    "key": each.key,
                    "objects": [{"path": d.path, "expected": d.expected, "found": d.found} for d in each.damage],
                    "quarantined": self.moved.get((each.stage, each.key)),
                }
                for each in self.checked
                if each.damage
            ],
            "foreign": [
                {"stage": each.stage, "key": each.key, "paths": each.foreign} for each in self.checked if each.foreign
            ],
            "read_wrong_once": [line for each in self.checked for line in each.misread],
            "irregular": [{"path": each.path, "is": each.what} for each in self.irregular],
            "not_of_this_store": sorted(self.foreign),
            "missing": [{"stage": stage, "key": key} for stage, key in self.missing],
            "failed": [{"stage": stage, "key": key, "why": why} for (stage, key), why in self.failed.items()],
        }

    def _damaged(self, each: VerifyResult) -> list[str]:
        name = each.stage, each.key
        lines = [f"damaged: {self._called(name)}"]
        for damage in each.damage[:_MOST_OBJECTS]:
            lines += [f"  {damage.path}", f"    expected {damage.expected}", f"    found    {damage.found}"]
        if len(each.damage) > _MOST_OBJECTS:
            lines.append(f"  and {len(each.damage) - _MOST_OBJECTS} more objects")
        if name in self.moved:
            lines.append(f"  moved to {self.moved[name]}")
        return lines

    def _called(self, name: OutputName) -> str:
        step = self.steps.get(name)
        return f"{step}, {name[0]} {name[1][:12]}" if step else f"{name[0]} {name[1][:12]}"
