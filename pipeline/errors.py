"""Errors that a user can act on; the command line prints them without a traceback.

PipelineError
├── ConfigError      the stages file, an option or the data's place is wrong (exit code 2)
├── ContractError    a source of one's own does not do what its contract says (exit code 1)
├── DataError        a raw file that the source lists cannot be read (exit code 1)
├── StepError        a step could not be completed (exit code 1)
│   └── CodeChanged  by the code that its key promises
├── TrackerError     a program that is to show trainings does not take them (exit code 1)
└── BadRecording     one recording cannot be used (follows `on_bad_recording`)
"""

from __future__ import annotations


class PipelineError(Exception):
    """Root of what this package raises on purpose."""

    exit_code = 1


class ConfigError(PipelineError):
    """A stages file, an option or a folder is wrong; the message names the place and the remedy.

    Parameters
    ----------
    of_file
        The message without its place, where that is a line of a stages file: a setting may be to blame instead.
    """

    exit_code = 2

    def __init__(self, message: str, of_file: str = "") -> None:
        super().__init__(message)
        self.of_file = of_file


class DataError(PipelineError):
    """A raw file is missing or cannot be read; the message names it and the remedy."""


class ContractError(PipelineError):
    """A module that a table names does not do what its contract says; the message names both and what it did."""


class StepError(PipelineError):
    """A step could not be completed; what was finished before stays."""


class CodeChanged(StepError):
    """A file of a step's code was edited after it was hashed: what this process does is not what the key says."""


class TrackerError(PipelineError):
    """TensorBoard's folder, or MLflow, did not take a training; it stays in the store."""


class BadRecording(PipelineError):
    """One stream of one recording cannot be used.

    Parameters
    ----------
    recording, stream
        Which one.
    path
        The file, relative to the source's root.
    reason
        What is wrong with it, in a few words.
    """

    def __init__(self, recording: str, stream: str, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason} (recording {recording}, stream {stream})")
        self.recording = recording
        self.stream = stream
        self.path = path
        self.reason = reason
