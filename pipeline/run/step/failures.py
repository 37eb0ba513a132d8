"""How a step failed, as a `StepFailed` message: the problem, its remedy, and what the runner can do about it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

import msgspec

from pipeline.error_origin import describe_gpu_failure, describe_unforeseen
from pipeline.errors import CodeChanged, PipelineError
from pipeline.formatting import encodable
from pipeline.plugins.places import name_places, place_of_error
from pipeline.run.messages import CorruptInput, StepFailed
from store.errors import DraftLocked, OutputError, StoreError
from trainers.device_errors import is_out_of_memory
from trainers.errors import TrainingError

T = TypeVar("T")


class ShardFailed(Exception):
    """A shard failed in another process, whose message this carries."""

    def __init__(self, failed: StepFailed) -> None:
        super().__init__(failed.message)
        self.failed = failed


def capture_failure(store: str, work: Callable[[], T]) -> T | StepFailed:
    """Call `work` for a step whose outputs are in the store with this URL; return its result, or how it failed."""
    result = _captured(store, work)
    if isinstance(result, StepFailed):
        message, told = encodable(result.message), encodable(result.traceback)
        return msgspec.structs.replace(result, message=message, traceback=told)
    return result


def _captured(store: str, work: Callable[[], T]) -> T | StepFailed:
    try:
        return work()
    except ShardFailed as error:
        return error.failed
    except DraftLocked as error:
        return StepFailed(str(error), traceback.format_exc(), locked_by=error.owner or "another run")
    except OutputError as error:  # damaged, or missing: another step found it damaged, and it was moved away
        return StepFailed(str(error), traceback.format_exc(), corrupt_input=_corrupt_input(error, store))
    except (PipelineError, StoreError, TrainingError) as error:
        told = name_places(str(error))
        return StepFailed(told, traceback.format_exc(), internal_error=isinstance(error, CodeChanged))
    except MemoryError:
        return StepFailed("out of memory\n  close other programs, or lower the batch size", traceback.format_exc())
    except (SystemExit, KeyboardInterrupt) as error:  # of a plug-in; this process' own end it
        if not place_of_error(error):
            raise
        return StepFailed(describe_unforeseen(error), traceback.format_exc())
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            remedy = "that is an error of the system: check the disk, the mount, permissions and limits, and run again"
            place = place_of_error(error)
            return StepFailed(f"{place}{': ' if place else ''}{error}\n  {remedy}", traceback.format_exc())
        message = describe_gpu_failure(error) or describe_unforeseen(error)
        # only what a lack of memory leaves behind is certain: any other failure of a GPU stays with the process
        return StepFailed(message, traceback.format_exc(), internal_error=not is_out_of_memory(error))


def _corrupt_input(error: OutputError, store: str) -> CorruptInput | None:
    """Return which output of the step's own store an error is about; None where it is in another store, or unknown."""
    if not error.stage or not error.key or error.url != store:
        return None
    return CorruptInput(error.stage, error.key, error.attempt, error.finding)
