"""Staged feature extraction and training for multi-modal human activity recognition."""

from pipeline.keys.loaded_code import install

install()  # before anything imports the code that keys promise
