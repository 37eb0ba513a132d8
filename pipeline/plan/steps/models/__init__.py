"""Steps whose outputs are models: what they read of one another, and what of their parameters cannot be.

The builder imports it. Start with `reading`; `ensemble` makes a step of several, `initial` finds what a model begins
with.
"""
