"""Several data sets as one: to train on one and test on another, or on all of them. Start with `source`."""
