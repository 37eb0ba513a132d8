"""Where lines come from: a file, standard input or a device, datagrams, and browsers' WebSockets.

`pipeline.edge.stream` imports it. Start at feed.py, what all of them are.
"""
