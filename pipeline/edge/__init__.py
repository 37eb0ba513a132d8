"""What leaves the house: a trained model as one ONNX file that takes raw samples, and what runs it without torch.

`export` makes the file (torch, ONNX); `runtime` and `stream` run it with NumPy and ONNX Runtime alone, and import
nothing that needs more. `card` is what they agree on. `pipeline.cli` imports from here. Start reading at card.py.
"""
