"""The command line, ``pipeline``: main.py finds a command and prints the error that ends it; they lie in commands/."""

from pipeline.cli.main import main

__all__ = ["main"]
