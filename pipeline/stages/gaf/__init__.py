"""The gaf stage: encoded series become Gramian angular fields.

Planning imports params.py alone. Start at stage.py; the images themselves are rendered by `trainers.gaf`.
"""
