"""The graph of a stages file's entries, as text, Mermaid or SVG.

Imported by pipeline.cli; imports pipeline.plan. Start reading at drawing.py.
"""
