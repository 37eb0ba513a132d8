"""Fingerprints: of source code, of raw data, and of a step's whole recipe; and the caches that save computing them.

Every room above may import it; it imports `pipeline.errors` and the store alone, for plans are quick.
Start reading at `CodeIndex.closure` in code.py and at `RawIndex` in raw_index.py.
"""
