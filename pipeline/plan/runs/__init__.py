"""What was run from a stages file: remembered in the store, listed, kept and dropped.

`pipeline run` and the commands that look at runs import it; imports the rest of `pipeline.plan`. Start reading at
remembered.py; docs/commands.md says where runs are remembered.
"""
