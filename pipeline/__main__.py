"""``pipeline``, and ``python -m pipeline``."""

from __future__ import annotations

import gc
import os
import sys


def run() -> None:
    """Run the command line in a process of its own, which is mostly about to find that there is nothing to do."""
    from pipeline.supported import unsupported

    if problem := unsupported():
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(2)
    gc.set_threshold(100_000, 20, 20)  # imports and plans make much, and hardly any of it is garbage
    from pipeline.terminal import discard_unwritten, open_missing

    open_missing()
    from pipeline.cli import main

    try:
        main()
    except SystemExit as end:
        discard_unwritten()
        if "distributed" in sys.modules:  # which has something to put away
            raise
        os._exit(end.code if isinstance(end.code, int) else 0)  # taking everything down costs a tenth of a no-op


if __name__ == "__main__":  # processes that a run starts import this module, too
    run()
