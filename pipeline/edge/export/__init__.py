"""A trained model as an ONNX file that takes raw samples: the way of a recording through encoding, as one graph.

`pipeline.cli` imports it. Start at raw_model.py, the graph; onnx_file.py writes it, parity.py compares it.
"""
