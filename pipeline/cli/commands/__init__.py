"""The commands, a module each: options in, a call, text out.

`pipeline.cli.main` names them, and imports the one that is asked for. Start at status.py, which is short.
"""
