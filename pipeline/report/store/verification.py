"""What checking outputs has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.formatting import counted, shortened, size
from pipeline.report.store.cleaning import foreign_notes, irregular_notes
from store import IrregularPath, OutputName, VerifyResult

_MOST_OBJECTS = 20  # of one output, in text


@dataclass
class VerifyReport:
    """What was to be checked, and what was found."""

    url: str
    deep: bool
    steps: Mapping[OutputName, str]  # what to check, with what the experiment calls it; else empty
    checked: list[VerifyResult] = field(default_factory=list)
    missing: list[OutputName] = field(default_factory=list)  # of the experiment
    failed: dict[OutputName, str] = field(default_factory=dict)  # by the network or the disk, and how
    moved: dict[OutputName, str] = field(default_factory=dict)  # where damaged ones were set aside
    not_moved: dict[OutputName, str] = field(default_factory=dict)  # why those could not be set aside that should be
    irregular: Sequence[IrregularPath] = ()  # what is neither a plain file nor a folder, or in a folder's place
    foreign: Sequence[str] = ()  # of a whole store: what lies in its folders and is not of it

    @property
    def damaged(self) -> list[VerifyResult]:
        """Those of which an object is not as its manifest says."""
        return [each for each in self.checked if each.damage]

    def as_text(self) -> str:
        """Name each damaged object with what was expected and found, then the count."""
        lines: list[str] = []
        for each in self.checked:
            if each.damage:
                lines += self._damaged(each)
            if each.foreign:
                lines.append(
                    f"note: {self._called((each.stage, each.key))} has objects that its manifest does not list, "
                    f"which nothing reads: {', '.join(shortened(each.foreign, 3))}"
                )
        misread = [line for each in self.checked for line in each.misread]
        lines += [f"warning: {line}" for line in misread]
        lines += irregular_notes(self.irregular) + foreign_notes(self.foreign)
        lines += [f"cannot be checked: {self._called(name)}: {why}" for name, why in self.failed.items()]
        how = "every SHA-256 compared" if self.deep else "sizes compared"
        counts = [f"{len(self.damaged) or 'none'} damaged"]
        counts += [f"{len(self.failed)} could not be checked"] if self.failed else []
        counts += [f"{len(misread)} read wrong once"] if misread else []
        counts += [f"{len(self.missing)} not there"] if self.missing else []
        total = size(sum(each.bytes for each in self.checked))
        outputs = counted(len(self.checked), "output")
        lines.append(f"{outputs} in {self.url} ({total}), {how}: {', '.join(counts)}")
        if len(self.damaged) > len(self.moved) + len(self.not_moved):
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
                    "not_quarantined": self.not_moved.get((each.stage, each.key)),
                }
                for each in self.damaged
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
        objects = [f"{d.path}\n    expected {d.expected}\n    found    {d.found}" for d in each.damage]
        lines = shortened(objects, _MOST_OBJECTS, "more objects")
        lines += [f"moved to {self.moved[name]}"] if name in self.moved else []
        return [f"damaged: {self._called(name)}", *(f"  {line}" for line in lines)]

    def _called(self, name: OutputName) -> str:
        step = self.steps.get(name)
        return f"{step}, {name[0]} {name[1][:12]}" if step else f"{name[0]} {name[1][:12]}"
