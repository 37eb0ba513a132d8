"""What ``pipeline doctor`` looks at: whether this machine and this experiment have what a run needs.

Each module looks at one thing and yields findings; nothing that it meets ends the others. Imported by the command line
alone. Start reading at examine.py.
"""
