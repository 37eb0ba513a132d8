"""Virtual sensors' series in place of real ones, for training recordings alone.

Used by `trainers.data.recordings`. Start at copies.py.
"""
