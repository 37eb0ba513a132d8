"""Searching settings of a stages file on inner folds of its training recordings: ``pipeline tune``.

Trials are steps of ordinary plans, which the store caches; a search that is run again asks for the same ones and goes
on where it stopped. `pipeline.cli` imports it. Start reading at searches.py, then search.py.
"""
