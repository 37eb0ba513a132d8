"""The steps of a plan: entries expanded over modalities, folds and seeds, with recipes, keys and the code in them.

`pipeline.plan` imports it, and whoever reads a step. Start reading at `StepBuilder.add` in builder.py; recipes.py
lists all that enters a key.
"""
