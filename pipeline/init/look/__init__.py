"""What lies in a folder, and the first lines, shapes and frames of a few of its files. Start at files.py."""
