"""Training on stored features: a model on labels (`train`), or a student on labels and a teacher (`distil`).

Workers import it by name (`pipeline.registry`), the evaluate stage its reading of features and models; nothing else.
Start with `train`, then `training`, which both stages share.
"""
