"""A long stream at real speed: how late decisions are, what memory it takes, and whether at once the same is decided.

    python benchmarks/stream.py MODEL [--root DIR] [--minutes N] [--window S] [--smooth HOW] [--json FILE]

The stream is made of UTD-MHAD's trials of subjects 6 and 8, strung together in random order, with rests of 1 to 4 s
between. A rest holds the trial's last sample, with the noise of each channel (the standard deviation of differences
between samples at the trial's end, over the square root of two), and is cross-faded over its last 0.3 s into the next
trial's first sample. The model must not have been trained on even subjects. A threshold is chosen from three minutes of
subjects 2 and 4, made alike.

`pipeline stream` gets the samples as datagrams, each when it is due. Printed are the latency of decisions after their
windows' ends, the process's peak memory after a minute and at the end, how many decisions differ from those of the same
samples read from a file at once, and what is right of them, with the threshold and without.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from pipeline.sources.utd_mhad import MODALITIES, UtdMhad  # noqa: E402

FADE = 0.3
PIPELINE = [sys.executable, "-m", "pipeline", "stream"]


def main() -> None:
    """Measure and print."""
    options = _options()
    streams = _streams(options.model)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write(folder / "known", UtdMhad(options.root), ("2", "4"), 3, streams, seed=1)
        lines = _write(folder / "new", UtdMhad(options.root), ("6", "8"), options.minutes, streams, seed=0)
        common = ["--window", str(options.window), "--smooth", options.smooth]
        _run("calibrate", options.model, *common, "--from", folder / "known.csv", "--truth", folder / "known.truth.csv",
             "-o", folder / "threshold.json")  # fmt: skip
        threshold = json.loads((folder / "threshold.json").read_text())
        judged = {}
        for name, more in (("no threshold", []), ("threshold", ["--threshold", folder / "threshold.json"])):
            said = folder / f"{name}.jsonl"
            said.write_text(_run(options.model, *common, *more, "--decisions", "--from", folder / "new.csv"))
            judged[name] = json.loads(_run("judge", said, folder / "new.truth.csv", "--json"))
        at_once = [*_decisions((folder / "threshold.jsonl").read_text())]
        played = _play([options.model, *common, "--threshold", folder / "threshold.json"], lines)
    figures = {
        "minutes": options.minutes,
        "samples": len(lines),
        "threshold": threshold,
        **_compare(played, at_once),
        "judged": judged,
    }
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _streams(model: Path) -> dict[str, float]:
    """Return the rates of the model's streams."""
    from pipeline.cli.streaming import opened

    return {each.name: each.rate for each in opened(model).streams}


def _write(
    path: Path, source: UtdMhad, subjects: Sequence[str], minutes: float, streams: dict[str, float], seed: int
) -> list[tuple[float, bytes]]:
    """Write a stream as PATH.csv and what happens in it as PATH.truth.csv; return its lines with their times."""
    samples: dict[str, list[np.ndarray]] = {name: [] for name in streams}
    truth, at = ["start,end,label"], 0.0
    for label, length in _strung(source, subjects, minutes * 60, streams, seed, samples):
        if label:
            truth.append(f"{at:.4f},{at + length:.4f},{label}")
        at += length
    lines = []
    for name, rate in streams.items():
        for i, values in enumerate(np.concatenate(samples[name])):
            text = ",".join([name, f"{i / rate:.6f}", *(f"{each:.5g}" for each in values.ravel())])
            lines.append((i / rate, text.encode()))
    lines.sort(key=lambda each: each[0])
    path.with_suffix(".csv").write_bytes(b"\n".join(text for _, text in lines) + b"\n")
    path.with_name(f"{path.name}.truth.csv").write_text("\n".join(truth) + "\n")
    return lines


def _strung(
    source: UtdMhad,
    subjects: Sequence[str],
    seconds: float,
    streams: dict[str, float],
    seed: int,
    samples: dict[str, list[np.ndarray]],
) -> Iterator[tuple[str, float]]:
    """Add trials and rests to `samples`; yield each one's label (empty of a rest) and length in seconds."""
    draw, noise = random.Random(seed), np.random.default_rng(seed)
    recordings = [
        each for each in source.list().recordings if each.subject in subjects and {*streams} <= {*each.streams}
    ]
    at, order = 0.0, [*recordings]
    draw.shuffle(order)
    counts = dict.fromkeys(streams, 0)
    trial = _trial(source, order[0], streams)
    for place in range(1, 10**9):
        after = _trial(source, order[place % len(order)], streams)
        length = min(len(values) / streams[name] for name, values in trial.items())
        rest = draw.uniform(1, 4)
        for name, rate in streams.items():
            values = trial[name][: round((at + length) * rate) - counts[name]]
            held = round((at + length + rest) * rate) - counts[name] - len(values)
            samples[name] += [values, _rest(values, after[name][0], held, rate, noise)]
            counts[name] += len(values) + held
        yield order[(place - 1) % len(order)].action, length
        yield "", rest
        at += length + rest
        trial = after
        if at >= seconds:
            return


def _trial(source: UtdMhad, recording: Any, streams: dict[str, float]) -> dict[str, np.ndarray]:
    return {name: np.asarray(source.open_series(recording, MODALITIES[name].streams[0]).values) for name in streams}


def _rest(values: np.ndarray, after: np.ndarray, count: int, rate: float, noise: np.random.Generator) -> np.ndarray:
    """Hold the last sample, with noise, and fade into the next trial's first."""
    spread = np.diff(values[-round(rate / 2) :], axis=0).std(axis=0) / np.sqrt(2)
    share = np.clip((np.arange(count) - (count - FADE * rate)) / (FADE * rate), 0, 1)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    still = (1 - share) * values[-1] + share * after
    return still + noise.normal(size=(count, *values.shape[1:])) * spread


def _play(arguments: Sequence[Any], lines: list[tuple[float, bytes]]) -> dict[str, Any]:
    """Send each line when it is due; return what was said, and the peak memory after a minute and at the end."""
    command = [*PIPELINE, *map(str, arguments), "--decisions", "--udp", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    told = process.stderr.readline()
    port = int(told.rpartition(":")[2])
    said: list[str] = []
    reading = threading.Thread(target=lambda: said.extend(process.stdout or ()))
    reading.start()
    memory = {}
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        for at, text in lines:
            if (left := begin + at - time.monotonic()) > 0:
                time.sleep(left)
            sending.sendto(text, ("127.0.0.1", port))
            if at >= 60 and "minute" not in memory:
                memory["minute"] = _peak(process.pid)
    memory["end"] = _peak(process.pid)
    process.send_signal(signal.SIGTERM)
    reading.join()
    told += process.stderr.read()
    process.wait()
    return {"said": "".join(said), "told": told.splitlines()[-1], "memory": memory}


def _peak(pid: int) -> float:
    """Return a process's peak memory, MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def _decisions(text: str) -> Iterator[dict[str, Any]]:
    yield from (said for said in map(json.loads, text.splitlines()) if said["type"] == "decision")


def _compare(played: dict[str, Any], at_once: list[dict[str, Any]]) -> dict[str, Any]:
    """Return latencies, memory, and how many of the decisions at once differ."""
    real = [*_decisions(played["said"])]
    by_end = {each["end"]: (each["label"], each["probability"]) for each in real}
    differ = sum(by_end.get(each["end"]) != (each["label"], each["probability"]) for each in at_once)
    latencies = np.array([each["latency_ms"] for each in real])
    return {
        "decisions": len(at_once),
        "differ": differ,
        "latency_ms": {f"p{share}": float(np.percentile(latencies, share)) for share in (50, 99, 100)},
        "peak_mb": played["memory"],
        "told": played["told"],
    }


def _run(*arguments: Any) -> str:
    command = [*PIPELINE, *map(str, arguments)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}:\n{done.stderr}")
    return done.stdout


def _print(figures: dict[str, Any]) -> None:
    latency, memory = figures["latency_ms"], figures["peak_mb"]
    print(f"{figures['samples']} samples in {figures['minutes']:g} min, {figures['decisions']} decisions")
    print("latency after the window's end: " + ", ".join(f"{name} {each:.1f} ms" for name, each in latency.items()))
    print("peak memory: " + ", ".join(f"{name} {each:.1f} MB" for name, each in memory.items()))
    print(f"decisions that differ when all is read at once: {figures['differ']}")
    threshold = figures["threshold"]
    print(f"threshold {threshold['value']:.4f}: " + json.dumps(
        {name: each for name, each in threshold["figures"].items() if not isinstance(each, dict)}
    ))  # fmt: skip
    for name, judged in figures["judged"].items():
        print(f"{name}: accuracy {judged['accuracy']:.2%}, macro F1 {judged['macro_f1']:.2%}")
        for kind in ("true_events", "found_events"):
            print(f"  {kind}: " + ", ".join(f"{each} {count}" for each, count in judged[kind].items() if count))
        print(
            "  seconds: " + ", ".join(f"{each} {seconds:.1f}" for each, seconds in judged["frames"].items() if seconds)
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--root", type=Path, default=REPOSITORY.parent / "shared" / "data" / "utd-mhad")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--window", type=float, default=2.5)
    parser.add_argument("--smooth", default="average:3")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
