"""The recordings of a plan: the table, the digests of their files and rows, and those that cannot be used.

`pipeline.plan` imports it, and whoever reads an index or an evaluation. Start reading at `read_table` in table.py.
"""
