"""How models are judged: `protocols` splits recordings into folds, `metrics` scores predictions.

Planning imports `protocols`, which needs the standard library only; the evaluate stage imports `metrics`.
Start with `protocols.PROTOCOLS`.
"""
