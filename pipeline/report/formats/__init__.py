"""One table in the forms that people take it in: text, LaTeX, CSV.

Imported by `pipeline.report` and the commands. Start reading at sheet.py.
"""
