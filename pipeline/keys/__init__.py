"""Fingerprints: of source code, of raw data, and of a step's whole recipe."""
