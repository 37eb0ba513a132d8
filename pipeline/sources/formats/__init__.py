"""Files of one format each, read for any dataset: MATLAB v5, binary PGM, video.

Sources alone import it. A reader says by `BrokenFileError` what is wrong with a file. Start at mat.py.
"""
