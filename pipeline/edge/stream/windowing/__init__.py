"""From samples as they come to windows of them: times that are believed, a buffer a stream, a grid of ends.

`pipeline.edge.stream` imports it. Start at recogniser.py above, which uses all three.
"""
