"""What names of folders and files say: which files are one stream's, and which part of a name means what.

Start at groups.py.
"""
