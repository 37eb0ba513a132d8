"""Errors of a reading process as messages, and back."""

from __future__ import annotations

import os
import traceback
from typing import Any

from pipeline import errors
from pipeline.errors import BadRecording, PipelineError, StepError
from pipeline.formatting import encodable
from pipeline.run.readers.messages import ReadFailed


def as_message(error: BaseException) -> ReadFailed:
    """Return what is raised on the other side."""
    told = encodable(traceback.format_exc())
    arguments: list[Any]
    if isinstance(error, BadRecording):
        arguments = [error.recording, error.stream, error.path, error.reason]
        return ReadFailed("BadRecording", [encodable(str(each)) for each in arguments], told)
    if isinstance(error, OSError) and error.errno is not None:
        file = None if error.filename is None else encodable(os.fsdecode(error.filename))
        return ReadFailed("OSError", [error.errno, encodable(error.strerror or str(error)), file], told)
    kind = next((each for each in (PipelineError, MemoryError, OSError) if isinstance(error, each)), None)
    name = "StepError" if kind is None else type(error).__name__ if kind is PipelineError else kind.__name__
    text = str(error) if kind is not None else f"a reading process failed: {error!r}"
    return ReadFailed(name, [encodable(text)], told)


def as_error(failed: ReadFailed) -> Exception:
    """Return the error that a message stands for."""
    kinds: dict[str, type[Exception]] = {"OSError": OSError, "MemoryError": MemoryError}
    kind: type[Exception] = getattr(errors, failed.error, kinds.get(failed.error, StepError))
    error = kind(*failed.arguments)
    error.add_note(f"in a reading process:\n{failed.traceback}")
    return error
