"""Messages of the layers below the command line, by `logging`, and what ``-v`` shows of them.

Without ``-v`` nothing is set up: `logging` itself prints a warning bare on standard error, in worker processes, too. So
a warning is a whole line as users read it, with its ``note: ``. Modules that a run with nothing to do imports call
`info`, since importing `logging` takes milliseconds; all others have a logger as usual.
"""

from __future__ import annotations

import sys

_PACKAGES = ("pipeline", "store", "trainers")


def info(logger: str, message: str, *values: object) -> None:
    """Log for ``-v``, or for a program that logs itself: in any other, `logging` is not imported at all."""
    if logging := sys.modules.get("logging"):
        logging.getLogger(logger).info(message, *values)


def show(verbosity: int) -> None:
    """Show on standard error what the packages log: from 1 on information, from 2 on what is for finding defects."""
    import logging

    class StandardError(logging.Handler):
        """Writes to what `sys.stderr` is by then: the command line guards it (see `pipeline.terminal`)."""

        def emit(self, record: logging.LogRecord) -> None:
            print(self.format(record), file=sys.stderr, flush=True)

    level = logging.DEBUG if verbosity > 1 else logging.INFO
    pattern = "%(relativeCreated)6d ms %(name)s: %(message)s" if verbosity > 1 else "%(message)s"
    handler = StandardError()
    handler.setFormatter(logging.Formatter(pattern))
    for package in _PACKAGES:
        logger = logging.getLogger(package)
        logger.handlers, logger.propagate = [handler], False  # not twice where somebody has set up the root's, too
        logger.setLevel(level)
