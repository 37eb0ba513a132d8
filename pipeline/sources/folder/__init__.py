"""Own recordings, described in the stages file alone: which files there are, whose they are, and how they are read.

`pipeline.registry` names the source. Params first (params.py), then what is listed (listing/), then how one file
becomes a stream (reading/); start reading at source.py.
"""
