"""What the processes of a run tell each other, as JSON: a step to do, how far it is, what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.keys.file_hash import FileHash


class Certificate(msgspec.Struct, frozen=True):
    """What a scheduler that was started for this run asks for, in PEM; it never leaves the run's own processes.

    Attributes
    ----------
    certificate, key
        Signed by itself.
    """

    certificate: str
    key: str

    def __repr__(self) -> str:
        return "Certificate(...)"


class Scheduler(msgspec.Struct, frozen=True):
    """Where the shards of a step are made: at a dask scheduler's workers.

    Attributes
    ----------
    gpu
        At those with a GPU.
    program
        The run's `pipeline.run.cluster.fingerprint.fingerprint`, which theirs must equal.
    certificate
        What it asks for, where it was started for this run.
    """

    address: str
    gpu: bool
    program: dict[str, str]
    certificate: Certificate | None = None


class StepJob(msgspec.Struct, frozen=True, tag=True):
    """A step to do.

    Attributes
    ----------
    inputs
        Outputs to read: step id to (stage, key).
    source
        The stages file's ``source``, its root made absolute.
    files
        What is known of the raw files that are read, by stream (`pipeline.run.packing`).
    weights, weights_known
        A file of pretrained weights, and what is known of it.
    code
        What the modules that it may run were when the plan hashed them; see `pipeline.keys.loaded_code.check_code`. The
        recipe has earlier code where that was accepted.
    force
        Make the output anew even if it is there; the old one stays until then.
    remotes
        Further stores with outputs of which rows can be copied.
    accepted
        How the code in the recipe came to stand for the code that runs, for whoever asks where an output is from.
    scheduler
        Who makes the shards; None: whoever does the job.
    """

    step: str
    stage: str
    key: str
    recipe: dict[str, Any]
    work: dict[str, Any]
    inputs: dict[str, tuple[str, str]]
    store: str
    source: dict[str, Any]
    files: dict[str, bytes]
    device: str
    on_bad_recording: str
    weights: str | None
    code: dict[str, tuple[str, str]]
    weights_known: FileHash | None = None
    force: bool = False
    remotes: list[str] = []
    accepted: dict[str, str] | None = None
    scheduler: Scheduler | None = None


def runs_a_network(stage: str, recipe: Mapping[str, Any]) -> bool:
    """Tell whether a step gains from a GPU: training, evaluation, and the encoding of video."""
    return stage in ("train", "distil", "evaluate") or (stage == "encode" and recipe["modality"]["kind"] == "video")


class FetchJob(msgspec.Struct, frozen=True, tag=True):
    """An output to copy from the first of the remotes that has it into the store."""

    step: str
    stage: str
    key: str
    store: str
    remotes: list[str]


class StepProgress(msgspec.Struct, frozen=True, tag=True):
    """How far a worker is with its step."""

    done: int
    total: int
    what: str


class WorkerAlive(msgspec.Struct, frozen=True, tag=True):
    """A worker gives a sign of life, however long its step takes."""


class WorkerSilent(msgspec.Struct, frozen=True, tag=True):
    """A worker has given no sign of life for too long, or gives one again."""

    message: str


class StepDone(msgspec.Struct, frozen=True, tag=True):
    """A step's output is published, or fetched."""

    seconds: float
    bytes: int
    device: str
    note: str = ""


class StepFailed(msgspec.Struct, frozen=True, tag=True):
    """A step could not be completed.

    Attributes
    ----------
    message
        What is wrong and the remedy.
    damaged
        Stage, key and attempt (None where unknown) of an output of the local store that was found damaged.
    locked
        Who is doing this step now.
    unforeseen
        By a defect, a GPU that failed, or code that was edited: the process may be spoilt.
    """

    message: str
    traceback: str
    damaged: tuple[str, str, str | None] | None = None
    locked: str = ""
    unforeseen: bool = False


Message = StepProgress | WorkerAlive | WorkerSilent | StepDone | StepFailed


class StepEvent(msgspec.Struct, frozen=True):
    """What whoever does a step says of it."""

    step: str
    message: Message
