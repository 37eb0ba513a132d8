"""A 1-D convolutional network on aligned series: the baseline that students on images must beat."""
