"""Training and evaluation on features of recordings, without any knowledge of stores, stages or plans.

`pipeline` imports it; it imports neither `pipeline` nor `store`.
Start with `trainers.fit.loop`, then `trainers.data.recordings` and `trainers.models.registry`.
"""
