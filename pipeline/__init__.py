"""Staged feature extraction and training for multi-modal human activity recognition."""

from pipeline.keys.loaded import install

install()  # before anything imports the code that keys promise
