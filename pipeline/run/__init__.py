"""Doing a plan: which step is next, in which process, and how that is shown.

Imported by the commands, by `pipeline.accept` and by nothing below; `step` and `messages` know nothing of the rest.
Start with `runner.run_steps`, then `pool`, `worker` and `step.execute`.
"""
