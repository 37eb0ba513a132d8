"""Datasets: what is in their folders, and one stream of one recording on demand.

Planning and stages import it; it knows nothing of them. Start at base.py, which says what a source is; utd_mhad.py is
the one to read and copy from. Nothing here imports numpy before it reads data.
"""
