"""The program for notebooks and scripts: an opened experiment, its features, models and figures, and parts of it alone.

What is public is what `pipeline` itself names; docs/python.md is about that. Nothing else imports from here. Start
reading at experiment.py; it asks the layer that commands ask, `pipeline.experiment`.
"""
