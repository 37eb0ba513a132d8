"""Encoding of video: frames pooled into windows, and a frozen network's features of them.

`pipeline.registry` names the encoder; planning imports params.py alone. Start at encoder.py, then frames.py,
backbone.py (networks/ has torchvision's, timm's and plug-ins') and network.py.
"""
