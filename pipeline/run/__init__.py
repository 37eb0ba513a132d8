"""Doing a plan: which step next, in which worker process, shown how."""
