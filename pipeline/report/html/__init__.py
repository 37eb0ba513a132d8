"""The report: one HTML file that needs nothing beside it, and its pictures and tables as files.

Imported by pipeline.cli. `gather` reads what there is into plain data, `svg` draws, `sections` puts both into
pictures and tables, `page` writes them. Start reading at page.py.
"""
