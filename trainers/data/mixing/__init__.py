"""Training recordings mixed with one another.

Imported by `trainers.data.recordings` and by tasks; imports nothing but torch and shapes of batches. Start at mixup.py.
"""
