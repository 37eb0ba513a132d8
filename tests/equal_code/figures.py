"""Print figures of what the code on the path computes from a small sample.

    PYTHONPATH=CHECKOUT python -P figures.py FOLDER

Of every array the mean and the root of the mean square, which any change of values moves; as JSON, by step and array.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from safetensors.numpy import load_file

STAGES = """\
store: .store
source: {name: sample, subjects: 4, trials: 1}
modalities: [rgb, depth, skeleton, inertial]
protocol: subject-50-50
stages:
  encode:
    rgb: {backbone: resnet18, weights: none, image_size: 32, patches: 4}
    depth: {backbone: squeezenet1_1, weights: none, image_size: 32, patches: 4}
  gaf: {needs: [encode], size: 16}
  teacher: {stage: train, needs: [encode], model: {name: dmft, layers: 1}, fit: {epochs: 2}}
  distilled:
    stage: distil
    needs: [encode, teacher]
    model: {name: dmft-lite, layers: 1}
    loss: dmft-kd
    fit: {epochs: 2}
  vskd:
    stage: distil
    needs: [encode, gaf, teacher]
    modalities: [inertial]
    model: {name: resnet18, weights: none}
    loss: dask
    fit: {epochs: 1}
  evaluate: {needs: [teacher, distilled, vskd]}
"""


def figures_of(values: Any) -> list[float]:
    array = np.asarray(values, dtype=np.float64)
    return [float(array.mean()), float(np.sqrt(np.mean(array**2)))] if array.size else []


def main(folder: Path) -> None:
    (folder / "stages.yaml").write_text(STAGES, encoding="utf-8")
    pipeline = [sys.executable, "-P", "-m", "pipeline"]
    subprocess.run([*pipeline, "run"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    status = subprocess.run([*pipeline, "status", "--json"], cwd=folder, check=True, stdout=subprocess.PIPE).stdout
    figures: dict[str, list[float]] = {}
    for step in json.loads(status)["steps"]:
        (manifest,) = (folder / ".store" / "outputs" / step["stage"] / step["key"]).glob("manifest.json")
        attempt = manifest.parent / json.loads(manifest.read_bytes())["attempt"]
        for path in sorted(attempt.rglob("*.safetensors")):
            tensors = load_file(path)
            figures[f"{step['id']} {path.name}"] = figures_of(np.concatenate([t.ravel() for t in tensors.values()]))
        if (attempt / "zarr.json").exists():
            for name, array in zarr.open_group(attempt, mode="r").arrays():
                figures[f"{step['id']} {name}"] = figures_of(array[...])
    print(json.dumps(figures, indent=1, sort_keys=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
