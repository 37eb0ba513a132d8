"""Early and late fusion: DMFT's temporal streams without what DMFT adds, to compare it with."""
