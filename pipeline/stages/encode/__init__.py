"""The encode stage: every recording of one modality as patches, in a feature output with one row a recording.

Planning imports the parameters alone. Start at stage.py, then shards.py; the two kinds of encoder are in video and
timelines.
"""
