"""Doing a job and telling what came of it, never by an exception."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

from pipeline.error_origin import describe_origin
from pipeline.errors import CodeChanged, PipelineError
from pipeline.run.messages import StepFailed
from store.errors import CorruptManifest, CorruptObject, DraftLocked, MissingOutput, StoreError
from trainers.errors import TrainingError

T = TypeVar("T")


class ShardFailed(Exception):
    """A part of a job failed on another machine, which said how."""

    def __init__(self, failed: StepFailed) -> None:
        super().__init__(failed.message)
        self.failed = failed


def capture_failure(store: str, work: Callable[[], T]) -> T | StepFailed:
    """Do something about a step whose outputs lie at `store`; return what it returns, or how it failed."""
    try:
        return work()
    except ShardFailed as error:
        return error.failed
    except DraftLocked as error:
        return StepFailed(str(error), traceback.format_exc(), locked=error.owner or "another run")
    except (CorruptObject, CorruptManifest, MissingOutput) as error:  # missing: put aside for another step
        mine = error.stage and error.key and error.url == store
        damaged = (str(error.stage), str(error.key), getattr(error, "attempt", None)) if mine else None
        return StepFailed(str(error), traceback.format_exc(), damaged=damaged)
    except (PipelineError, StoreError, TrainingError) as error:
        return StepFailed(str(error), traceback.format_exc(), unforeseen=isinstance(error, CodeChanged))
    except MemoryError:
        return StepFailed("out of memory\n  close other programs, or lower the batch size", traceback.format_exc())
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            remedy = "that is an error of the system: check the disk, the mount, permissions and limits, and run again"
            return StepFailed(f"{error}\n  {remedy}", traceback.format_exc())
        if type(error).__name__ == "OutOfMemoryError":  # torch's, which need not be there
            remedy = "stop other programs on it, give --jobs 1 or a lower --together, or lower the batch size"
            return StepFailed(f"out of the GPU's memory\n  {remedy}", traceback.format_exc())
        defect = f"{type(error).__name__}: {error}\n  this is a defect of harvest: run with --debug and report it"
        return StepFailed(
            describe_origin(error) or defect,
            traceback.format_exc(),
            unforeseen=True,
        )
