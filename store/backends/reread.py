"""A second read before an object is reported as damaged: a disk, a cable or memory may have failed only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from store.backends.base import Backend

T = TypeVar("T")


def read_again(
    backend: Backend,
    path: str,
    read: Callable[[], T],
    errors: type[Exception] | tuple[type[Exception], ...],
    on_misread: Callable[[str], None] | None = None,
) -> T:
    """Return what `read` returns for an object; where it fails, read a second time from the medium itself.

    Parameters
    ----------
    path : str
        The object.
    read : callable
        Opens the object anew on each call. The error of the last call is the one that is raised.
    errors : exception types
        Those that mean that the object is wrong; any other is raised at once.
    on_misread : callable, optional
        Called with a message where only the second read succeeds; by default that message is logged.
    """
    try:
        return read()
    except errors:
        # The second read is outside this block, so that the traceback does not keep the first one's bytes in memory.
        pass
    backend.drop_cached(path)
    result = read()
    message = (
        f"{backend.url}/{path} was read wrong once, and right the next time. It is kept; suspect the disk, the memory "
        "or the network"
    )
    (on_misread or _log)(message)
    return result


def _log(message: str) -> None:
    import logging  # slow to import

    logging.getLogger(__name__).warning("warning: %s", message)
