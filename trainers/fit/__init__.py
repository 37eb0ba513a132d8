"""Training: the loop, its stacked form for many small models, checkpoints, seeding, prediction, saved models.

The stages of the pipeline import it; it imports losses, models and data, never the pipeline.
Start with `loop.fit`; the tasks, which know of labels and teachers, are in `tasks`.
"""
