"""What a failed or harmed sensor costs a trained model: harms, conditions to test under, and the vote.

The stage `robustness` imports it; it imports `trainers.data`, `trainers.evaluation` and `trainers.fit`.
Start with `params`, then `conditions`, which lists what is tested, and `harms`, what is done to a series.
"""
