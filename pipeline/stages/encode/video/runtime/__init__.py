"""What computes a frozen network: torch, or on a CPU in full precision ONNX Runtime, which is faster there.

Only backbone.py, one floor up, imports from here. Start at choice.py; conversion.py makes the graph of a network in
ONNX, by the operators in operators.py, and onnx_network.py runs it.
"""
