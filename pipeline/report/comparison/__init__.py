"""Models beside what they are held against: differences, how sure they are, and how many answers differ at all.

`pipeline.report`'s tables, the command line, notebooks and the report import from here. Start with differences.py.
"""
