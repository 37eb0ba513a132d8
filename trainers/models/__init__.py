"""Models: one folder a family, with its parameters in `params`; `registry` holds their names in a stages file.

Stages build them by name; planning reads `params` and `registry`, which import no torch. Every model takes inputs and
masks by name and returns `trainers.data.batch.ModelOutput`. Start with `dmft.student`.
"""
