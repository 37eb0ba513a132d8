"""The messages between runner, workers and cluster tasks, as JSON: a step to do, its progress, its result.

Only the processes of one run exchange them, and all run the same version, so that fields may change.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.keys.file_hash import FileHash
from pipeline.plan.steps.step import runs_network


class Certificate(msgspec.Struct, frozen=True):
    """The TLS certificate of a scheduler of this run, which only the run's own processes are given."""

    certificate: str  # PEM text, as the key is; self-signed
    key: str

    def __repr__(self) -> str:
        return "Certificate(...)"


class Scheduler(msgspec.Struct, frozen=True):
    """The dask scheduler whose workers make the shards of a step."""

    address: str
    gpu: bool  # whether only workers with a GPU may make them
    program: dict[str, str]  # the run's `cluster.fingerprint.fingerprint`, which the workers' must equal
    certificate: Certificate | None = None  # of a scheduler that was started for this run


class StepJob(msgspec.Struct, frozen=True, tag=True):
    """A step to do: all that a worker needs to know, in plain values."""

    step: str
    stage: str
    key: str
    recipe: dict[str, Any]
    work: dict[str, Any]  # what the stage needs beside the recipe (rows, labels); not part of the key
    inputs: dict[str, tuple[str, str]]  # outputs to read: step id to (stage, key)
    store: str
    source: dict[str, Any]  # the stages file's, its root made absolute
    files: dict[str, bytes]  # by stream, of each raw file size, times, inode and digest: `pipeline.run.packing`
    device: str
    on_bad_recording: str
    weights: str | None  # path of a file with pretrained weights
    # The modules that the step may run, as the plan hashed them: see `pipeline.keys.loaded_code.check_code`.
    # The recipe has earlier code where that was accepted.
    code: dict[str, tuple[str, str]]
    weights_known: FileHash | None = None
    force: bool = False  # recompute the output although it exists, which stays until the new one is published
    remotes: list[str] = []  # further stores with outputs of which rows can be copied
    accepted: dict[str, str] | None = None  # who accepted the recipe's code for what runs
    equal_code: str = ""  # the earlier release that has the recipe's code, by the table that this one ships
    folder: str = "."  # the stages file's, from which files of plug-ins are named
    scheduler: Scheduler | None = None  # whose workers make the shards, if not this process

    @property
    def uses_gpu(self) -> bool:
        """Whether it runs a network, and so gains from a GPU."""
        return runs_network(self.recipe)


class FetchJob(msgspec.Struct, frozen=True, tag=True):
    """An output to copy from the first of the remotes that has it into the store."""

    step: str
    stage: str
    key: str
    store: str
    remotes: list[str]


class StepProgress(msgspec.Struct, frozen=True, tag=True):
    """How far a worker is with its step: `done` of `total`, counted in `what` ("recordings", "MiB").

    `counts` has what else was counted since the step began, see `pipeline.stages.context.Progress`.
    """

    done: int
    total: int
    what: str
    counts: dict[str, float] = {}


class WorkerAlive(msgspec.Struct, frozen=True, tag=True):
    """A worker's heartbeat, however long its step takes."""


class WorkerSilent(msgspec.Struct, frozen=True, tag=True):
    """A worker has sent no heartbeat for too long, or sends them again; the message says which."""

    message: str


class StepDone(msgspec.Struct, frozen=True, tag=True):
    """A step's output is published, or fetched."""

    seconds: float
    bytes: int
    device: str
    note: str = ""


class CorruptInput(msgspec.Struct, frozen=True):
    """An output of the local store that a step could not read: it is damaged, or gone."""

    stage: str
    key: str
    attempt: str | None  # whose objects are damaged; None where that is unknown
    finding: str  # what is wrong with it, without the remedy


class StepFailed(msgspec.Struct, frozen=True, tag=True):
    """A step could not be completed."""

    message: str  # the problem and its remedy
    traceback: str = ""
    corrupt_input: CorruptInput | None = None  # what caused it: recovered, and the step tried again
    locked_by: str = ""  # who is doing this step now, if that is why it failed
    # A defect, a failure of the GPU, or code that was edited: the process must not do another step.
    internal_error: bool = False


Message = StepProgress | WorkerAlive | WorkerSilent | StepDone | StepFailed


class StepEvent(msgspec.Struct, frozen=True):
    """A message about one step, by its id; empty where it is about the worker as a whole."""

    step: str
    message: Message


class ShardDone(msgspec.Struct, frozen=True, tag=True):
    """A shard is journalled: what its stage notes about it, and where it was made."""

    note: dict[str, Any]
    host: str
    device: str


class ShardConflict(msgspec.Struct, frozen=True, tag=True):
    """An object of the shard exists with other bytes, of a worker that died before it had journalled the shard."""

    path: str | None  # the object; None where the shard as a whole must be made again
    message: str


ShardMessage = ShardDone | ShardConflict | StepFailed
