"""python predict.py MODEL.onnx STREAM=FILE.csv ...   needs: pip install onnxruntime numpy

Each file: a header, then a line a sample: its time in seconds, then its channels (joint after joint, x y z each).
"""

import json
import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
card = json.loads(session.get_modelmeta().custom_metadata_map["harvest.card"])
files = dict(argument.split("=", 1) for argument in sys.argv[2:])

batch = {}  # of one recording
for stream in card["streams"]:
    rows = np.loadtxt(files[stream["name"]], delimiter=",", skiprows=1, ndmin=2)
    times, values = rows[:, 0], rows[:, 1:]
    batch[stream["name"]] = values.reshape(1, len(rows), *stream["sample"]).astype(np.float32)
    batch[stream["name"] + "_time"] = times[None].astype(np.float64)

(probabilities,) = session.run(["probabilities"], batch)[0]
best = int(probabilities.argmax())
print(json.dumps({"predicted": card["classes"][best], "probability": float(probabilities[best])}))
