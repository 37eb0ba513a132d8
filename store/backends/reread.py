"""Reading once more before anything is called damaged: a disk, a cable or a memory may be wrong once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from store.backends.base import Backend

T = TypeVar("T")


def read_again(
    root: Backend,
    path: str,
    read: Callable[[], T],
    errors: type[Exception] | tuple[type[Exception], ...],
    misread: Callable[[str], None] | None = None,
) -> T:
    """Return what `read` makes of an object, from a second reading of the medium where the first one fails.

    Parameters
    ----------
    root : Root
    path : str
        The object.
    read : callable
        Opens it anew each time. Its error tells what that very reading found.
    errors : exception types
        Those that say that the object is wrong; what else goes wrong is raised at once.
    misread : callable, optional
        Called with a line about it where the second reading is right; else that is logged.
    """
    try:
        return read()
    except errors:
        pass  # and let go of what was read
    root.drop_cached(path)
    found = read()
    line = (
        f"{root.url}/{path} was read wrong once, and right the next time. It is kept; suspect the disk, the memory or "
        "the network"
    )
    (misread or _log)(line)
    return found


def _log(line: str) -> None:
    import logging  # slow to import

    logging.getLogger(__name__).warning("warning: %s", line)
