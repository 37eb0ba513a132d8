"""What steps would take: from their own last run, or from others of their kind, by how much there is to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline.formatting import duration, size
from pipeline.plan.history import StepRecord
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import TESTS, TRAINED
from pipeline.report.cost.run_cost import RunCost, kind_of, read_manifest, run_cost
from pipeline.report.cost.scaling import expected_seconds
from store.errors import StoreError

if TYPE_CHECKING:
    from store import OutputName, Store

_MANIFESTS = 12  # that are read to estimate an entry, or a kind of step
_PRESENT = 8  # of these at most, of what an entry's steps have now; the others are of what they had before
_MAX_REQUESTS = 16  # to a remote, at a time


@dataclass(frozen=True)
class Estimate:
    """Seconds to compute and bytes to store; of a step in a remote, bytes to fetch. None: not known."""

    seconds: float | None = None
    bytes: float | None = None


@dataclass
class Total:
    """The sum of several estimates."""

    steps: int = 0  # that are not in the store
    unmeasured: int = 0  # those of them of which nothing is known
    seconds: float = 0.0  # to compute, as far as known
    bytes: float = 0  # to store
    fetched: float = 0  # bytes to fetch from a remote

    def add(self, state: str, estimate: Estimate) -> None:
        """Add one step's."""
        if state == "cached":
            return
        self.steps += 1
        if state == "remote":
            self.fetched += estimate.bytes or 0
            self.unmeasured += estimate.bytes is None
        else:
            self.seconds += estimate.seconds or 0.0
            self.bytes += estimate.bytes or 0
            self.unmeasured += estimate.seconds is None

    def as_json(self) -> dict[str, Any]:
        """Return it as the command line prints it."""
        known = {"seconds": self.seconds, "bytes": self.bytes, "fetch_bytes": self.fetched}
        return {**known, "unmeasured": self.unmeasured}

    def as_text(self) -> str:
        """Say it in a few words; nothing where nothing is to be done."""
        if self.unmeasured and self.unmeasured == self.steps:
            return "not measured yet"
        known = [duration(self.seconds)] if self.seconds else []
        known += [size(self.bytes)] if self.bytes else []
        parts = [f"about {', '.join(known)}"] if known else []
        parts += [f"{size(self.fetched)} to fetch"] if self.fetched else []
        parts += [f"{self.unmeasured} not measured yet"] if self.unmeasured else []
        return "; ".join(parts)


class Estimates:
    """Estimates the steps of a plan; each manifest is read once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._run_cost = cache(lambda stage, key: run_cost(plan.store, stage, key))
        self._work = cache(lambda id_: _work(plan, plan.steps[id_]))
        self._alike: dict[tuple[str | None, ...], list[RunCost]] = {}

    def of(self, step: Step) -> Estimate:
        """Estimate a step; zero where it is in the store."""
        state = self._plan.states[step.id]
        if state == "cached":
            return Estimate(0.0, 0)
        if state == "remote":
            return Estimate(None, self._remote_bytes.get(step.id))
        return self.if_computed(step)

    def if_computed(self, step: Step) -> Estimate:
        """Estimate a step as if it were computed here, whatever is there of it."""
        own = self._plan.history.steps.get(step.id)
        if own and (own.stage, own.key) == (step.stage, step.key) and own.seconds > 0:  # its output is gone
            return Estimate(own.seconds, own.bytes)
        seconds, held = None, None
        for find in (self._mine, self._theirs, self._of_that_kind):
            place = (find.__name__, step.stage, step.entry, step.work.get("modality"), kind_of(step.recipe))
            if place not in self._alike:
                self._alike[place] = find(step)
            alike = self._alike[place]
            held = self._bytes(step, alike) if held is None else held
            if (seconds := self._seconds(step, alike)) is not None:
                break
        return Estimate(seconds, held)

    def _seconds(self, step: Step, alike: Sequence[RunCost]) -> float | None:
        """Estimate how long a step takes from others: what grows with the work to do, and what does not."""
        work, _ = self._work(step.id)
        if work is None:
            return _median(each.seconds for each in alike) if alike else None
        measured = [(each.work, each.seconds) for each in alike if each.work]
        return expected_seconds(measured, work) if work else 0.0 if measured else None

    def _bytes(self, step: Step, alike: Sequence[RunCost]) -> float | None:
        """Estimate how much a step leaves: as others did, by recordings where these decide on it."""
        _, rows = self._work(step.id)
        sizes = [round(each.bytes * (rows / each.rows if rows and each.rows else 1.0)) for each in alike]
        return _median(sizes) if sizes else None

    def _mine(self, step: Step) -> list[RunCost]:
        """Outputs of the same entry (and modality) in this experiment, and those of its stage that it had before."""
        history = self._plan.history
        now = [(past.stage, past.key) for id_, past in history.steps.items() if _same(step, id_, past)]
        return self._of_kind(step, [*now[:_PRESENT], *history.former_outputs(step.stage)])

    def _theirs(self, step: Step) -> list[RunCost]:
        """Outputs of an entry of that name (and modality) in other experiments of this store."""
        return self._of_kind(step, ((past.stage, past.key) for id_, past in self._elsewhere if _same(step, id_, past)))

    def _of_that_kind(self, step: Step) -> list[RunCost]:
        """Outputs of the same stage and kind: the kind of modality, or the model."""
        pasts = [*self._plan.history.steps.values(), *(past for _, past in self._elsewhere)]
        return self._of_kind(step, ((past.stage, past.key) for past in pasts if past.stage == step.stage))

    def _of_kind(self, step: Step, outputs: Iterable[OutputName]) -> list[RunCost]:
        """Read what outputs took that are of a step's kind; only the first few are read."""
        kind = kind_of(step.recipe)
        costs = (self._run_cost(*output) for output in islice(dict.fromkeys(outputs), _MANIFESTS))
        return [cost for cost in costs if cost and cost.kind == kind]

    @cached_property
    def _elsewhere(self) -> list[tuple[str, StepRecord]]:
        """The steps of other experiments of this store, with their ids."""
        return [item for other in self._plan.history.others() for item in other.steps.items()]

    @cached_property
    def _remote_bytes(self) -> dict[str, int]:
        """The bytes of every step that a remote has, by step id."""
        steps = {(s.stage, s.key): s.id for s in self._plan.steps.values() if self._plan.states[s.id] == "remote"}
        located = self._plan.chain.locate(steps)
        with ThreadPoolExecutor(_MAX_REQUESTS) as threads:
            manifests = threads.map(lambda item: read_manifest(item[1], *item[0]), located.items())
            return {steps[name]: manifest.bytes for name, manifest in zip(located, manifests, strict=True) if manifest}


def _same(step: Step, id_: str, past: StepRecord) -> bool:
    """Tell whether a step's id is of the same entry and, where that matters, modality."""
    entry, _, axes = id_.partition("[")
    if past.stage != step.stage or entry != step.entry:
        return False
    return step.stage not in ("encode", "gaf") or axes.rstrip("]").partition(",")[0] == step.work["modality"]


def _work(plan: Plan, step: Step) -> tuple[float | None, int | None]:
    """Return how much a step has to do, and how many recordings its output holds where that decides on its size."""
    if step.stage in ("encode", "gaf"):
        rows: int = step.work["recordings"]
        return rows - (_copied(plan.store, step) if step.stage == "encode" else 0), rows
    if step.stage == "index":
        return len(plan.table.listing.recordings), None
    if step.stage in TRAINED:
        return step.work["split"].train["recordings"] * step.recipe["params"]["fit"]["epochs"], None
    return (step.work["split"].test["recordings"], None) if step.stage in TESTS else (None, None)


def _copied(store: Store, step: Step) -> int:
    """Count the rows that need not be computed: the newest output that differs in its raw data alone has them."""
    from store import family_of

    try:
        for key in store.family(step.stage, family_of(step.recipe))[:1]:
            content = store.output(step.stage, key).read_bytes("rows.sha256")
            known = {content[at : at + 32] for at in range(0, len(content), 32)}
            return sum(bytes.fromhex(row) in known for row in step.work.get("rows", ()))
    except StoreError:  # an output of an earlier version, or a damaged one
        pass
    return 0


def _median(values: Iterable[float]) -> float:
    from statistics import median  # slow to import

    return median(values)
