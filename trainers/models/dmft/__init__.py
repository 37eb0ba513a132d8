"""DMFT: Distilled Mid-Fusion Transformer (arXiv 2305.03810), teacher and student."""
