"""Keeping a store in order: what lies in it, who uses it, what can be freed, and damage that is set aside.

Imported by store.store alone; imports store.writing, store.reading and what is below them. Start reading at gc.py.
"""
