"""How a reader of one file says what is wrong with it, before anyone knows whose recording it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import BadRecording


class BrokenFileError(Exception):
    """A file's content cannot be used; the message is the reason in a few words, without the file's name."""


@contextmanager
def attributed(recording: str, stream: str, path: str) -> Iterator[None]:
    """Turn a `BrokenFileError` raised inside into a `BadRecording` that names recording, stream and file."""
    try:
        yield
    except BrokenFileError as error:
        raise BadRecording(recording, stream, path, str(error)) from error
