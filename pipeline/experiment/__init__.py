"""What a command or a notebook does with a stages file: plan it, run it, find its runs, try again after damage.

`pipeline.cli` and `pipeline.api` import from here; nothing below does. Start reading at planning.py, then
running.py.
"""
