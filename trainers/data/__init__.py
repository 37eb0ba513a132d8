"""Recordings as batches on a device: inputs, patches, augmentation, standardisation.

Losses, models and the fit loop import it; it imports `trainers.gaf` alone. `batch` says what the dicts of tensors hold.
Start with `recordings`, which makes batches, and `inputs`, the forms in which models take a modality.
"""
