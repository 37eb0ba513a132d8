"""Continuous recognition: samples of several sensors come in as lines, decisions and events go out as lines.

NumPy alone; the model is anything that `model.Model` describes. `pipeline.cli` imports from here. Start reading at
session.py, the way of a line; recogniser.py decides which window is complete, live.py waits for feeds and clocks.
"""
