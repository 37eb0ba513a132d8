"""The messages between runner, workers and cluster tasks, as JSON: a step to do, its progress, its result.

Only the processes of one run exchange them, and all run the same version, so that fields may change.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.keys.file_hash import FileHash


class Certificate(msgspec.Struct, frozen=True):
    """The TLS certificate of a scheduler that was started for this run; only the run's own processes are given it.

    Attributes
    ----------
    certificate, key
        PEM text; the certificate is self-signed.
    """

    certificate: str
    key: str

    def __repr__(self) -> str:
        return "Certificate(...)"


class Scheduler(msgspec.Struct, frozen=True):
    """The dask scheduler whose workers make the shards of a step.

    Attributes
    ----------
    gpu
        Whether only workers with a GPU may make them.
    program
        The run's `pipeline.run.cluster.fingerprint.fingerprint`, which the workers' must equal.
    certificate
        Needed to connect, where the scheduler was started for this run.
    """

    address: str
    gpu: bool
    program: dict[str, str]
    certificate: Certificate | None = None


class StepJob(msgspec.Struct, frozen=True, tag=True):
    """A step to do: all that a worker needs to know, in plain values.

    Attributes
    ----------
    work
        What the stage needs beside the recipe, such as rows and labels; not part of the key.
    inputs
        Outputs to read: step id to (stage, key).
    source
        The stages file's ``source``, its root made absolute.
    files
        By stream, size, times, inode and digest of each raw file, packed by `pipeline.run.packing`.
    weights, weights_known
        Path of a file with pretrained weights, and its known digest.
    code
        The modules that the step may run, as the plan hashed them; see `pipeline.keys.loaded_code.check_code`. The
        recipe has earlier code where that was accepted.
    force
        Recompute the output although it exists; the old one stays until the new one replaces it.
    remotes
        Further stores with outputs of which rows can be copied.
    accepted
        Who accepted the code in the recipe in place of the code that runs, for the output's provenance.
    scheduler
        Whose workers make the shards; None: the process that does the job.
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

    @property
    def uses_gpu(self) -> bool:
        """Whether the stage runs a network, and so gains from a GPU: training, evaluation, the encoding of video."""
        encodes_video = self.stage == "encode" and self.recipe["modality"]["kind"] == "video"
        return self.stage in ("train", "distil", "evaluate") or encodes_video


class FetchJob(msgspec.Struct, frozen=True, tag=True):
    """An output to copy from the first of the remotes that has it into the store."""

    step: str
    stage: str
    key: str
    store: str
    remotes: list[str]


class StepProgress(msgspec.Struct, frozen=True, tag=True):
    """How far a worker is with its step: `done` of `total`, counted in `what` ("recordings", "MiB")."""

    done: int
    total: int
    what: str


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
    """An output of the local store that a step could not read: it is damaged, or gone.

    Attributes
    ----------
    attempt
        Whose objects are damaged; None where that is unknown.
    finding
        What is wrong with it, without the remedy.
    """

    stage: str
    key: str
    attempt: str | None
    finding: str


class StepFailed(msgspec.Struct, frozen=True, tag=True):
    """A step could not be completed.

    Attributes
    ----------
    message
        The problem and its remedy.
    corrupt_input
        The input that caused it; the runner recovers that and tries the step again.
    locked_by
        Who is doing this step now, if that is why it failed.
    internal_error
        It was a defect, a failure of the GPU, or code that was edited: the process must not do another step.
    """

    message: str
    traceback: str = ""
    corrupt_input: CorruptInput | None = None
    locked_by: str = ""
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
    """An object of the shard exists with other bytes, left by a worker that died before it had journalled the shard.

    Attributes
    ----------
    path
        The object; None where the shard as a whole must be made again.
    """

    path: str | None
    message: str


ShardMessage = ShardDone | ShardConflict | StepFailed
