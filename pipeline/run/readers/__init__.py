"""Reading videos in processes of their own, for sources whose reader holds the interpreter's lock.

`source.py` is the side of the step, and looks like any source; `process.py` is the other side. Frames come through
memory that both share, everything else as JSON lines (`messages.py`). Imported by `pipeline.run.step` alone.
"""
