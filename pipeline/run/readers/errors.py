"""Errors of a reading process as messages, and back."""

from __future__ import annotations

import traceback

from pipeline import errors
from pipeline.errors import BadRecording, PipelineError, StepError
from pipeline.run.readers.messages import ReadFailed


def as_message(error: Exception) -> ReadFailed:
    """Return what is raised on the other side."""
    told = traceback.format_exc()
    if isinstance(error, BadRecording):
        return ReadFailed("BadRecording", [error.recording, error.stream, error.path, error.reason], told)
    if isinstance(error, OSError):
        return ReadFailed("OSError", [error.errno, error.strerror or str(error), error.filename], told)
    name = type(error).__name__ if isinstance(error, PipelineError | MemoryError) else "StepError"
    text = str(error) if isinstance(error, PipelineError | MemoryError) else f"a reading process failed: {error!r}"
    return ReadFailed(name, [text], told)


def as_error(failed: ReadFailed) -> Exception:
    """Return the error that a message stands for."""
    kinds: dict[str, type[Exception]] = {"OSError": OSError, "MemoryError": MemoryError}
    kind: type[Exception] = getattr(errors, failed.error, kinds.get(failed.error, StepError))
    error = kind(*failed.arguments)
    error.add_note(f"in a reading process:\n{failed.traceback}")
    return error
