"""The report's part on absent and harmed sensors: a table, and a small curve for each kind of harm.

Imported by `pipeline.report.html.sections.order`. Start reading at section.py.
"""
