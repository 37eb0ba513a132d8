"""Staged feature extraction and training for multi-modal human activity recognition."""
