"""Plug-ins, from sources to stages: named by a file, a module or an entry point; found, and loaded.

Imported by `pipeline.registry` and rooms above it; imports keys and errors. Start at `find` in names.py.
"""
