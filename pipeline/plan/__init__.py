"""From a stages file to steps in order, each with its key, its state and why.

`pipeline.run`, `pipeline.report`, `pipeline.accept` and the commands import it; it runs nothing and writes but caches.
Start reading at `make_plan` in planner.py.
"""
