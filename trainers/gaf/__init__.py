"""Gramian angular fields: time series as images whose rows and columns are time (Wang and Oates, 2015).

`trainers.data` and the gaf stage import it; planning imports `params`, which needs no torch.
Start with `render`; `fused` fills stored images faster, to equal values.
"""
