"""HAMLET (Islam and Iqbal, IROS 2020): self-attention within each modality, then among the modalities."""
