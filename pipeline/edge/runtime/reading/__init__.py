"""Files of recordings: CSV, NumPy, MATLAB. Start at read.py; each module is one format."""
