"""Ridge regression on class targets, solved in closed form, and the head that all solved models share.

`head` is the module with its weights, `leave_one_out` and `temperature` how these are found. Start with `head`.
"""
