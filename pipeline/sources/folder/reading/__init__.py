"""How a stream's files become one series, skeleton or video.

Only the folder source imports it, inside functions: it needs numpy, and pyarrow for tables. A reader says by
`BrokenFileError` what is wrong with a file, without its name. Start reading at read.py, for videos at frames/video.py.
"""
