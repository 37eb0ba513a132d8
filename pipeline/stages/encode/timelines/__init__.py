"""Encoding of series and skeletons: streams on one timeline, normalised, and reduced window by window.

`pipeline.registry` names the encoder; planning imports params.py alone. Start at encoder.py.
"""
