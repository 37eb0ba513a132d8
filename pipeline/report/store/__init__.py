"""What is said of a store: its outputs, what a cleaning frees, what is damaged, and its card for others.

Imported by the commands. Start reading at outputs.py.
"""
