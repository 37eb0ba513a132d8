"""Drawing with matplotlib: figures, where they are written, and one panel for each kind of stream."""
