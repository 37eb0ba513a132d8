"""Models: one folder a family."""
