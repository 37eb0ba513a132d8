"""The package's errors.

TrainingError
    A user's data, parameters or training run cannot give a result; the message says what and the remedy.
"""

from __future__ import annotations


class TrainingError(Exception):
    """Training cannot go on or start; the message names what is wrong and the remedy."""
