"""Gimme Signals (Memmesheimer et al., IROS 2020): signals drawn as lines into one image, and an image network."""
