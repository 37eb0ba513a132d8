"""The command line: ``pipeline``."""

from pipeline.cli.main import main

__all__ = ["main"]
