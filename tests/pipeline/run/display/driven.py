"""A program that shows made-up steps: ``driven.py SECONDS EVENTS_PER_SECOND [STEP]...``; says what CPU that took."""

from __future__ import annotations

import sys
import time

from pipeline.run.display.live import make_display
from pipeline.run.display.run_state import RunState
from pipeline.run.messages import StepProgress


def main(seconds: float, rate: float, steps: list[str]) -> None:
    """Show steps that go on for some seconds, as a run does; one ends, and one fails."""
    state = RunState.of_alike(["index", "broken", *steps, *(f"later[{i}]" for i in range(300))], 8)
    with make_display(state) as display:
        for step in ("index", "broken", *steps):
            display.start(step)
        display.end("index", "done in 0.5 s", 0.5)
        display.end("broken", "FAILED", failed=True)
        began, cpu, done = time.monotonic(), time.process_time(), 0
        while (now := time.monotonic()) < began + seconds:
            for step in steps:
                display.advance(step, StepProgress(done, 10_000, "recordings", {"images": 30.0 * done}))
            done += 1
            time.sleep(max(0.0, now + len(steps) / rate - time.monotonic()))
        used = time.process_time() - cpu
    print(f"CPU: {used / seconds:.4f}", flush=True)


if __name__ == "__main__":
    try:
        main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
    except KeyboardInterrupt:
        print("stopped", flush=True)
