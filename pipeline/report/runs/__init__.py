"""Runs that are remembered: listed, and their results side by side.

Imported by the commands. Start reading at listing.py.
"""
