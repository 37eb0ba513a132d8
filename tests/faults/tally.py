"""Counting what was tried and what came of it, and the table of it."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

Case = Callable[[int], Sequence[str]]
"""Given its number, disturbs commands, checks everything, says what became of each; raises where a promise broke."""

AT_ONCE = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
_ENOUGH = 5  # broken promises of one kind


@dataclass
class Row:
    """One kind of fault, done to one command at one place."""

    fault: str
    command: str
    place: str
    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def cases(self) -> int:
        return self.outcomes.total() + len(self.broken)


class Tally:
    """What was tried in this session."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def run(self, fault: str, command: str, place: str, count: int, case: Case) -> None:
        """Try until there were `count` outcomes, several at a time; fail at the end with every broken promise."""
        row = Row(fault, command, place)
        self.rows.append(row)
        began, guard = time.monotonic(), Lock()
        numbers = iter(range(3 * count))  # a command may have ended before its fault came: that is no outcome

        def work() -> None:
            while True:
                with guard:
                    number = next(numbers, None)
                    if number is None or row.cases >= count or len(row.broken) >= _ENOUGH:
                        return
                try:
                    outcomes = case(number)
                except Exception as error:  # counted and told, so that the other cases are tried as well
                    what = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
                    print(f"{fault}, {command}, {place}, case {number}: {what}", file=sys.stderr)
                    with guard:
                        row.broken.append(f"case {number}: {what}")
                else:
                    with guard:
                        row.outcomes.update(outcomes)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            for each in [threads.submit(work) for _ in range(AT_ONCE)]:
                each.result()
        row.seconds = time.monotonic() - began
        assert not row.broken, "\n\n".join([f"{len(row.broken)} of {row.cases} broke a promise", *row.broken])
        assert row.cases >= count, f"only {row.cases} of {count} faults came in time"

    def table(self) -> list[str]:
        """Return the lines of a Markdown table, and the sums."""
        lines = ["| fault | of | at | cases | what came of it | promises broken |", "|---|---|---|---:|---|---:|"]
        for row in self.rows:
            came = ", ".join(f"{count} {outcome}" for outcome, count in row.outcomes.most_common())
            cells = [row.fault, row.command, row.place, str(row.cases), came, str(len(row.broken))]
            lines.append(f"| {' | '.join(cells)} |")
        for fault in dict.fromkeys(row.fault for row in self.rows):
            of = [row for row in self.rows if row.fault == fault]
            cases, broken = sum(row.cases for row in of), sum(len(row.broken) for row in of)
            lines.append(f"{fault}: {cases} cases in {sum(row.seconds for row in of):.0f} s, {broken} broke a promise")
        return lines
