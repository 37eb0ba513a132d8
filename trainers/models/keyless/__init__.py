"""Keyless attention (Long et al., Multimodal Keyless Attention Fusion for Video Classification, AAAI 2018)."""
