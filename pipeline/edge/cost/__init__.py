"""Measuring what the models of an experiment cost to run: each is exported once into the cache, and measured there.

`pipeline.cli` imports it. Start at costs.py; what was measured is kept and shown by `pipeline.report.inference`.
"""
