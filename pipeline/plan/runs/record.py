"""What is remembered of one run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from pipeline.plan.history import user_name
from pipeline.plan.runs.baselines import Baseline, controls_of, own_baselines
from pipeline.plan.runs.settings import asked_of
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.settings import with_settings
from store import encode_ref, parse_ref
from store.canonical import digest

if TYPE_CHECKING:
    from pipeline.plan.planner import Plan
    from store import OutputName

FORMAT = 1
Ending = Literal["begun", "done", "failed", "stopped"]


class UnreadableRecord(Exception):
    """A record that this version cannot read, and must not replace; the message says why.

    Attributes
    ----------
    damaged
        Whether no version could.
    """

    def __init__(self, why: str, *, damaged: bool) -> None:
        super().__init__(why)
        self.damaged = damaged


class EvaluationRecord(msgspec.Struct, frozen=True):
    """An evaluate output, how many recordings it tests, and what it stands for in results."""

    key: str
    recordings: int
    label: dict[str, Any]


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a run.

    Attributes
    ----------
    began, ended
        UTC; the second is empty while it goes on, and of one that was killed.
    ending
        How it ended; ``begun`` until then.
    until
        The entry that it was to stop at; empty where it was to do all.
    keys
        Digest of all keys of its plan: with the settings it says whether two runs are the same.
    asked
        The stages file with `--set`, but for where data and outputs are.
    outputs
        Keys by stage and step id.
    baselines
        For each distilled entry the one that trains the same on labels alone.
    unlike_baselines
        Of those that have none, the one most like it, and what it differs in.
    controls
        What entries are held against by the stages file's `compare`.
    rows
        The results at its end, as ``results --json`` has them.
    """

    format: int = FORMAT
    path: str
    user: str
    host: str
    began: str
    ended: str = ""
    ending: Ending = "begun"
    until: str = ""
    name: str = ""
    keys: str
    asked: dict[str, Any]
    outputs: dict[str, dict[str, str]]
    evaluations: list[EvaluationRecord] = []
    baselines: dict[str, str] = {}
    unlike_baselines: dict[str, Baseline] = {}
    controls: dict[str, list[Baseline]] = {}
    rows: list[dict[str, Any]] = []

    @property
    def output_names(self) -> set[OutputName]:
        """Return stage and key of everything that it needs."""
        return {(stage, key) for stage, by_id in self.outputs.items() for key in by_id.values()}

    @property
    def compared_with(self) -> dict[str, list[Baseline]]:
        """Return what entries are compared with."""
        alike = {entry: [Baseline(other)] for entry, other in self.baselines.items()}
        return self.controls or {entry: [other] for entry, other in self.unlike_baselines.items()} | alike


class RecordHead(msgspec.Struct, frozen=True):
    """What a run with nothing to do reads of a record."""

    keys: str
    format: int
    name: str
    began: str


def asked_by(plan: Plan) -> dict[str, Any]:
    """Return what a plan was asked for: the stages file as it was read, with its settings."""
    document = read_document(plan.path, plan.snapshot.text)
    return asked_of(with_settings(document, plan.snapshot.settings, "--set"))


def digest_of_asked(asked: Mapping[str, Any]) -> str:
    """Return 12 hex digits that stand for what was asked for."""
    return sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()[:12]


def digest_of_keys(plan: Plan) -> str:
    """Return what stands for all keys of a plan."""
    return digest(sorted((step.stage, step.key) for step in plan.steps.values()))


def record_of(plan: Plan, asked: dict[str, Any], until: str, began: str) -> RunRecord:
    """Return what is to be remembered of a run that begins."""
    outputs: dict[str, dict[str, str]] = {}
    evaluations, baselines = [], own_baselines(plan)
    for step in plan.steps.values():
        outputs.setdefault(step.stage, {})[step.id] = step.key
        if step.stage == "evaluate":
            recordings = step.recipe["test"]["recordings"]
            evaluations += [EvaluationRecord(step.key, recordings, dict(label)) for label in step.labels]
    return RunRecord(
        path=str(plan.path.absolute()),
        user=user_name(),
        host=os.uname().nodename,
        began=began,
        until=until,
        keys=digest_of_keys(plan),
        asked=asked,
        outputs=outputs,
        evaluations=evaluations,
        baselines={entry: each.entry for entry, each in baselines.items() if not each.differs},
        unlike_baselines={entry: each for entry, each in baselines.items() if each.differs},
        controls=controls_of(plan),
    )


def encode(record: RunRecord) -> bytes:
    """Write a record, with a digest that shows damage."""
    return encode_ref(msgspec.to_builtins(record))


def decode(content: bytes) -> RunRecord:
    """Read a record; UnreadableRecord where it is damaged or another version's."""
    try:
        value = parse_ref(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableRecord(f"is damaged: {error}", damaged=True) from None
    written = value.get("format") if isinstance(value, dict) else None
    if isinstance(written, int) and written > FORMAT:
        why = f"is of a newer version of this program (format {written}; this one reads {FORMAT})"
        raise UnreadableRecord(why, damaged=False)
    try:
        return msgspec.convert(value, RunRecord)
    except msgspec.ValidationError as error:
        raise UnreadableRecord(f"is damaged: {error}", damaged=True) from None


def decode_head(content: bytes) -> RecordHead:
    """Read what says which run a record is of, without looking for damage; UnreadableRecord where that fails."""
    try:
        head = msgspec.json.decode(content, type=RecordHead)
    except (ValueError, RecursionError) as error:
        raise UnreadableRecord(f"is damaged: {error}", damaged=True) from None
    if head.format > FORMAT:
        raise UnreadableRecord("is of a newer version of this program", damaged=False)
    return head
