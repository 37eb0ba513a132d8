"""Encoding of depth video without a network: depth motion maps from three views, and their oriented gradients.

`pipeline.registry` names the encoder; planning imports params.py alone. Start at encoder.py, then views.py, motion.py
and hog.py.
"""
