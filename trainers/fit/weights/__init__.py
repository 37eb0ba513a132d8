"""Weights beside the loop: those that a training begins with, and their average over steps, which is its result.

The loop and its state import `average`, the train stage `initial`.
"""
