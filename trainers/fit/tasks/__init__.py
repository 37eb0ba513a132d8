"""Tasks: modules that map a batch to a loss, on labels (`classify`) or on labels and a teacher (`distil`).

Stages build them and `trainers.fit.loop.fit` trains them, so that the loop knows of no teacher.
Start with `classify`.
"""
