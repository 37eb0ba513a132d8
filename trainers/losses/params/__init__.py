"""Parameters of the losses, a module for each loss, so that a new one leaves the keys of others alone.

No torch and no numpy: planning reads these. Imported by the losses and by the stages file. Start at weighted.py.
"""
