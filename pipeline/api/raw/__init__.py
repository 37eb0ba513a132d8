"""Recordings that are in no experiment, encoded as a model's own were: encoding.py does it, arrays.py reads arrays.

`pipeline.api.model` alone imports from here.
"""
