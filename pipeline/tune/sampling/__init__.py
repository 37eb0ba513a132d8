"""Spaces and the sampler: what may be tried, and what is tried next. Start reading at sampler.py."""
