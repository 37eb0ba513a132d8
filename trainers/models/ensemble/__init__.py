"""Several trained models that vote as one, by the sum or the product rule. Start with `model`."""
