"""What there is to report, read from the store into plain data. Start at report.py.

Imports pipeline.plan and the figures of pipeline.report.results; numpy only where series are read.
"""
