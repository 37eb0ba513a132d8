"""Running an exported model on recordings, with NumPy and ONNX Runtime alone.

`pipeline.cli` and `pipeline.edge.stream` import it. Nothing here imports torch, or anything else that a small machine
lacks. Start at model.py, an opened file; recordings.py says what a recording must be like; predict.py goes over many.
"""
