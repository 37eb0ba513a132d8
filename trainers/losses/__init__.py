"""Losses of training: one a file, each citing its paper; `registry` holds their names in a stages file.

Tasks in `trainers.fit.tasks` compute them; planning reads `params` and `registry`, which import no torch.
Start with `distillation`, the base of most, and `cross_entropy`, the hard loss.
"""
