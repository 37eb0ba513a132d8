"""The package's one error, for users; mistakes of its own code are Python's."""

from __future__ import annotations


class TrainingError(Exception):
    """A user's data, parameters or training run cannot give a result; the message says what is wrong and the remedy."""
