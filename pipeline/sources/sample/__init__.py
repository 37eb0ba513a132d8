"""The built-in sample: a small multi-modal dataset made from a kinematic model, in UTD-MHAD's layout."""
