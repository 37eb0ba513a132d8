"""Standard output and error: text that cannot steer a terminal, and writes that stop nothing where they fail."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

# Controls but tab and newline (escape sequences begin with one), marks that turn the direction of writing, separators
# of lines that are not newlines, and bytes of names that are not UTF-8.
_HARMFUL = (
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"  # compiled when needed
)
_LABELS = "^(?:error|problem|note|left out)(?=: )"  # of lines
_COLOURS = {"error": "\x1b[31m", "problem": "\x1b[31m", "note": "\x1b[33m", "left out": "\x1b[33m"}


def harmless(text: str) -> str:
    r"""Write what would steer a terminal as Python does in its literals: ``\x1b[31m``."""
    if text.replace("\n", "").replace("\t", "").isprintable():  # as nearly all is
        return text
    return re.sub(_HARMFUL, _escape, text)


def _escape(character: re.Match[str]) -> str:
    code = ord(character[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python has it in names of files
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Guarded(io.TextIOBase):
    """A stream that writes harmless text and remembers why a write failed, rather than raise it.

    `stream` is None where it was closed before the program began, as ``>&-`` does. With `controls` these pass:
    for what draws on a terminal, and makes texts of others harmless itself. `told` says a text as its reader wants it.
    """

    def __init__(self, stream: TextIO | None, *, controls: bool = False) -> None:
        self.stream = stream
        self.failure: OSError | None = None  # why the first text was lost
        self.told: Callable[[str], str] = str
        self._controls = controls
        if isinstance(stream, io.TextIOWrapper) and stream.errors != "backslashreplace":
            with suppress(OSError):
                stream.reconfigure(errors="backslashreplace")  # where the encoding is a small one

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the stream's."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As the stream's."""
        return getattr(self.stream, "errors", None) or "strict"

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write, or remember why not."""
        if not isinstance(text, str):  # click finds out so what kind of stream it has
            raise TypeError(f"text is written here, not {type(text).__name__}")
        if text:
            self._try("write", text if self._controls else self._coloured(self.told(harmless(text))))
        return len(text)

    def _coloured(self, text: str) -> str:
        """Colour the labels that lines begin with, where a person looks: after folding, so that widths are right."""
        if ":" not in text or not in_colour(self):
            return text
        return re.sub(_LABELS, lambda found: f"{_COLOURS[found[0]]}{found[0]}\x1b[0m", text, flags=re.MULTILINE)

    def flush(self) -> None:
        """Flush, or remember why not."""
        if self.stream is not None:
            self._try("flush")

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        with suppress(ValueError, OSError):
            return self.stream is not None and self.stream.isatty()
        return False

    def fileno(self) -> int:
        """Return the stream's descriptor; OSError where it has none."""
        if self.stream is None:
            raise io.UnsupportedOperation("fileno")
        return self.stream.fileno()

    def __getattr__(self, name: str) -> Any:
        """As the stream's: ``buffer``, and what else libraries look for."""
        if name == "stream":
            raise AttributeError(name)
        return getattr(self.stream, name)

    def _try(self, action: str, *arguments: str) -> None:
        try:
            if self.stream is None:
                raise OSError(errno.EBADF, "it is closed")
            getattr(self.stream, action)(*arguments)
        except OSError as error:
            self.failure = self.failure or error
        except ValueError:  # somebody closed it
            self.failure = self.failure or OSError(errno.EBADF, "it is closed")


def can_draw(stream: TextIO | io.TextIOBase) -> bool:
    """Tell whether a stream goes to a terminal that understands controls."""
    return os.environ.get("TERM", "dumb") not in ("dumb", "unknown") and stream.isatty()


def in_colour(stream: TextIO | io.TextIOBase) -> bool:
    """Tell whether what is written to a stream may have colours: on a terminal, unless ``NO_COLOR`` is set."""
    return not os.environ.get("NO_COLOR") and can_draw(stream)


def note(text: str) -> None:
    """Tell the user something beside what a command prints."""
    print(f"note: {text}", file=sys.stderr)


def drawing(stream: TextIO) -> TextIO:
    """Return a stream in which controls have their effect, for bars and lines that are written over."""
    unguarded = stream.stream if isinstance(stream, Guarded) else stream
    return cast(TextIO, Guarded(unguarded, controls=True))


@contextmanager
def guarded() -> Iterator[tuple[Guarded, Guarded]]:
    """Guard standard output and error while the block runs."""
    before = sys.stdout, sys.stderr
    out, err = Guarded(sys.stdout), Guarded(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr = before


def lost(out: Guarded) -> str:
    """Say why output was lost; empty where nothing was, or where its reader has gone and wants no more (``| head``)."""
    out.flush()
    if out.failure is None or out.failure.errno == errno.EPIPE:
        return ""
    return f"standard output: {out.failure.strerror}"


def open_missing() -> None:
    """Open standard descriptors that are closed, so that no other file gets their numbers and what they are sent."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        # the lowest free number is given first, so that whichever of 0, 1 and 2 is closed is opened
        descriptor = 0
        while descriptor <= 2:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor <= 2:
                os.set_inheritable(descriptor, True)
        os.close(descriptor)


def discard_unwritten() -> None:
    """Let go of what could not be written, so that the interpreter does not try again as it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, stream.fileno())
                os.close(null)
