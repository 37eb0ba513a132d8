"""Weights beside the loop: their average over steps, which is a training's result.

Only the loop and its state import it. Start with `average`.
"""
