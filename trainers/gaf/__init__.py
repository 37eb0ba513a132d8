"""Gramian angular fields: time series as images whose rows and columns are time (Wang and Oates, 2015)."""
