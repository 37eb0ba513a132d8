"""The last lines of a run.

Imported by the command. Start reading at ending.py.
"""
