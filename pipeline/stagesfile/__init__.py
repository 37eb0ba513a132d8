"""The stages file: from YAML to typed experiments, with the line of every key for messages.

Imported by plan, run and the command line; imports sources, registry and keys.cache.
Start at `read_points` in experiment.py; load.py reads the text, schema.py types it, parameters.py types an entry.
"""
