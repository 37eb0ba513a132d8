"""A recording's streams as a file of the viewer rerun, whose package `rerun-sdk` is optional. Start at write.py."""
