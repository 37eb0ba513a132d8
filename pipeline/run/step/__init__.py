"""Doing one step: inputs validated, dataset opened, stage called, output published.

Imported by workers, of a run (`pipeline.run.worker`) or of a scheduler (`pipeline.run.cluster.tasks`), and by
`pipeline.accept`. Start with `execute.execute`.
"""
