"""What models cost to run, as `pipeline.edge.cost` measured it on this machine: rows, tables, and where that is kept.

Nothing here measures. Start at rows.py; kept.py has the files.
"""
