"""Models, losses, tasks, the one fit loop, protocols and metrics: on tensors, without files or stages."""
