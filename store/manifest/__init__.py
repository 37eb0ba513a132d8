"""The manifest of an output: its document, validation, checksums and limits, and the index of families.

All of `store` above it imports from here; whoever is outside takes `Manifest` and `family_of` from `store`. Start
reading at schema.py, then manifest.py.
"""
