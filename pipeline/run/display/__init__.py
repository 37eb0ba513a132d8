"""What a run shows while it goes on: a live table on a terminal, plain lines elsewhere.

Imported by the runner. Start reading at lines.py; pace.py and remaining.py estimate how long it takes still.
"""
