"""What steps would take, in seconds and bytes, by what others took. Start at estimates.py.

`pipeline.report` shows it; the pure arithmetic is in scaling.py.
"""
