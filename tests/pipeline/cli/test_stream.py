"""``pipeline stream`` as a user runs it: processes that listen, signals, mistakes; then thresholds and judging."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from pipeline.edge.card import METADATA, Card, Span, StreamInput, encode_card

REPOSITORY = Path(__file__).parents[3]
Start = Callable[..., "subprocess.Popen[bytes]"]


def write_model(path: Path, spans: tuple[Span, ...] = (), **limits: tuple[float, ...]) -> Path:
    """Write a model of a watch's two channels: "move" is as probable as the mean of the first is great."""
    values = helper.make_tensor_value_info("watch", TensorProto.FLOAT, ["batch", "samples", 2])
    times = helper.make_tensor_value_info("watch_time", TensorProto.DOUBLE, ["batch", "samples"])
    out = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
        helper.make_tensor("weight", TensorProto.FLOAT, [2, 3], [-1, 1, 0, 0, 0, 0]),
        helper.make_tensor("bias", TensorProto.FLOAT, [3], [0.95, 0.0, 0.05]),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["watch", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["probabilities"]),
    ]
    graph = helper.make_graph(nodes, "watch", [values, times], [out], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    card = Card(
        model="watch", step="watch", key="0" * 64, dataset="none", classes=("rest", "move", "other"),
        streams=(StreamInput(name="watch", sample=(2,), rate=50, **limits),), spans=spans,
    )  # fmt: skip
    helper.set_model_props(model, {METADATA: encode_card(card)})
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "watch.onnx")


def lines(start: float, end: float, level: Callable[[float], float]) -> str:
    times = [start + i / 50 for i in range(round((end - start) * 50))]
    return "".join(f"watch,{at:.2f},{level(at):.3f},{math.sin(at):.3f}\n" for at in times)


def moving(at: float) -> float:
    return 0.9 if 3 <= at < 6 else 0.05


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Nine seconds, of which three are an activity."""
    path = tmp_path / "day.csv"
    path.write_text(lines(0, 9, moving))
    return path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts the command; what still runs at the end is killed."""
    started = []

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "stream", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def run(start: Start) -> Callable[..., tuple[list[Any], str]]:
    """A function that runs the command to its end: what it said, and what it told."""

    def run(*arguments: Any, text: str = "", code: int = 0) -> tuple[list[Any], str]:
        out, err = start(*arguments).communicate(text.encode(), timeout=60)
        return heard(out), ended(err, code)

    def heard(out: bytes) -> list[Any]:
        if out.startswith(b"{\n"):
            return [json.loads(out)]
        return [json.loads(each) if each.startswith(b"{") else each.decode() for each in out.splitlines()]

    def ended(err: bytes, code: int) -> str:
        told = err.decode()
        assert "Traceback" not in told
        assert ("error:" in told) == bool(code), told
        return told

    return run


def without_latency(said: list[Any]) -> list[Any]:
    return [{name: value for name, value in each.items() if name != "latency_ms"} for each in said]


def test_events_of_a_file(run: Any, model: Path, recording: Path) -> None:
    said, told = run(model, "--window", 1, "--from", recording)
    assert [(each["type"], each["start"], each["end"], each["label"]) for each in said] == [
        ("event", 0.25, 3.25, "rest"),
        ("event", 3.25, 5.75, "move"),
        ("event", 5.75, 8.25, "rest"),
    ]
    assert told.startswith("450 samples; 0 dropped; 0 late; 16 decisions; 3 events; latency p50 ")
    assert "peak memory" in told


def test_decisions_are_a_line_each(run: Any, model: Path, recording: Path) -> None:
    said, _ = run(model, "--window", 1, "--every", 250, "--decisions", text=recording.read_text())
    decisions = [each for each in said if each["type"] == "decision"]
    assert [each["end"] for each in decisions] == [1 + i / 4 for i in range(32)]
    assert {*decisions[0]} == {"type", "end", "label", "probability", "latency_ms"}
    assert decisions[0]["probability"] == pytest.approx(0.9)


def test_at_real_pace_the_same_is_decided(run: Any, model: Path, tmp_path: Path) -> None:
    (tmp_path / "short.csv").write_text(lines(100, 104, lambda at: float(at >= 102)) + "watch,101.50,0,0\n")
    options = (model, "--window", 1, "--decisions", "--from", "short.csv")
    began = time.monotonic()
    fast, _ = run(*options)
    at_once = time.monotonic() - began
    real, _ = run(*options, "--pace", "real")
    assert time.monotonic() - began - at_once > 3.9
    assert without_latency(real) == without_latency(fast)
    assert len(fast) == 8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(start: Start, model: Path, number: int) -> None:
    process = start(model, "--window", 1, "--pace", "real", "--decisions")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines(0, 2.1, lambda at: 0.9).encode())
    process.stdin.flush()
    seen = [json.loads(process.stdout.readline()) for _ in range(3)]  # to 1, 1.5 and 2 s
    assert [each["type"] for each in seen] == ["decision"] * 3
    process.send_signal(number)
    rest, told = process.communicate(timeout=20)
    assert process.returncode == 0
    last = json.loads(rest.splitlines()[-1])
    assert (last["type"], last["start"], last["label"]) == ("event", 0.25, "move")
    assert last["confidence"] == pytest.approx(0.9)
    assert told.startswith(b"105 samples; ")


def port_of(process: subprocess.Popen[bytes]) -> int:
    assert process.stderr is not None
    told = process.stderr.readline().decode()
    assert told.startswith("note: listening "), told
    return int(told.rpartition(":")[2])


def heard_until(process: subprocess.Popen[bytes], end: float) -> list[Any]:
    """Read decisions until the one at a time, end the process, and return all that it said."""
    assert process.stdout is not None
    said = []
    while not said or said[-1].get("type") != "decision" or said[-1]["end"] < end:
        said.append(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    return said + [json.loads(each) for each in rest.splitlines()]


def test_datagrams(start: Start, run: Any, model: Path, recording: Path) -> None:
    process = start(model, "--window", 1, "--udp", "127.0.0.1:0", "--pace", "none", "--decisions")
    port = port_of(process)
    rows = recording.read_bytes().splitlines()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        for i in range(0, len(rows), 5):
            sending.sendto(b"\n".join(rows[i : i + 5]), ("127.0.0.1", port))
    said = heard_until(process, 8.5)
    expected, _ = run(model, "--window", 1, "--decisions", "--from", recording)
    assert without_latency(said) == without_latency(expected)


def test_websockets(start: Start, run: Any, model: Path, recording: Path) -> None:
    from tornado.websocket import websocket_connect

    process = start(model, "--window", 1, "--websocket", "127.0.0.1:0", "--pace", "none", "--decisions")
    port = port_of(process)

    async def send() -> None:
        connection = await websocket_connect(f"ws://127.0.0.1:{port}/")
        for row in recording.read_text().splitlines():
            await connection.write_message(row)
        connection.close()

    asyncio.run(send())
    said = heard_until(process, 8.5)
    expected, _ = run(model, "--window", 1, "--decisions", "--from", recording)
    assert without_latency(said) == without_latency(expected)


def test_it_ends_when_nobody_reads_on(start: Start, model: Path) -> None:
    process = start(model, "--window", 1, "--pace", "real", "--decisions")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines(0, 1.1, moving).encode())
    process.stdin.flush()
    assert process.stdout.readline()
    process.stdout.close()
    process.stdin.write(lines(1.1, 3, moving).encode())
    process.stdin.flush()
    assert process.wait(20) == 0


def test_it_does_without_torch(model: Path, recording: Path) -> None:
    program = """
import sys
from pipeline.cli import main
try:
    main(sys.argv[1:])
finally:
    heavy = ("torch", "zarr", "dask", "scipy", "sklearn", "numba", "pyarrow")
    print("imported:", *(each for each in heavy if each in sys.modules))
"""
    found = subprocess.run(
        [sys.executable, "-c", program, "stream", model, "--window", "1", "--from", recording],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert found.stdout.endswith("}\nimported:\n"), found.stderr


def test_the_card_says_how_long_a_window_is(run: Any, tmp_path: Path) -> None:
    span = Span(modality="watch", streams=("watch",), align="truncate", seconds=2.0)
    model = write_model(tmp_path / "two.onnx", (span,))
    said, _ = run(model, "--decisions", text=lines(0, 4.2, moving))
    assert "--window 1: watch needs 2 s" in run(model, "--window", 1, code=2)[1]
    assert [each["end"] for each in said if each["type"] == "decision"] == [2.5, 3, 3.5, 4]  # 2.04 s and more


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.onnx"], "missing.onnx: no such file"),
        (["day.csv"], "day.csv: is no ONNX file"),
        (["MODEL"], "--window: watch takes recordings of any length"),
        (["MODEL", "--window", "1", "--from", "missing.csv"], "--from missing.csv: No such file"),
        (["MODEL", "--window", "1", "--from", "day.csv", "--udp", "127.0.0.1:1"], "give one of them"),
        (["MODEL", "--window", "1", "--udp", "0.0.0.0:0"], "say --listen-anywhere where that is meant"),
        (["MODEL", "--window", "1", "--smooth", "mean"], "--smooth mean: give majority:N"),
        (["MODEL", "--window", "1", "--threshold", "2"], "--threshold 2: "),
        (["MODEL", "--window", "1", "--offset", "watch"], "--offset watch: give STREAM=SECONDS"),
        (["MODEL", "--window", "1", "--offset", "phone=1"], "the model's streams are watch"),
        (["MODEL", "--window", "0"], "Invalid value for '--window'"),
    ],
)
def test_mistakes_are_told(start: Start, model: Path, recording: Path, arguments: list[str], said: str) -> None:
    process = start(*[model if each == "MODEL" else each for each in arguments])
    out, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == b""
    assert said in told.decode()
    assert b"Traceback" not in told


def test_what_is_not_as_in_training_is_told(run: Any, tmp_path: Path) -> None:
    """Half of the rate would be a gap; twice is taken, and told, and so is another unit."""
    model = write_model(tmp_path / "limits.onnx", low=(0.0, -1.0), high=(1.0, 1.0))
    _, told = run(model, "--window", 1, text=lines(0, 4, lambda at: 9.81 * 0.9))
    assert told.startswith("note: stream watch: channel 1 is mostly not as in training: half of it lies in 8.829")
    assert "is it in m/s² where g was trained" in told
    assert told.count("note:") == 1
    fast = "".join(f"watch,{i / 100},0.9,0\n" for i in range(400))
    _, told = run(model, "--window", 1, text=fast)
    assert told.startswith("note: stream watch: it comes at 100 Hz, and the model was trained at 50 Hz\n")


def test_a_threshold_from_a_recording(run: Any, model: Path, recording: Path, tmp_path: Path) -> None:
    """Rest and movement are known at 0.9; an activity that the model does not have is at 0.5."""
    (tmp_path / "truth.csv").write_text("start,end,label\n0,3,rest\n3,6,move\n6,9,rest\n10,14,dance\n")
    strange = lines(9, 16, lambda at: 0.475)
    (tmp_path / "held-out.csv").write_text(recording.read_text() + strange)
    held_out = ("--from", "held-out.csv", "--truth", "truth.csv")
    printed, _ = run("calibrate", model, "--window", 1, *held_out, "--loss", 0.2, "-o", "p.json")
    assert "activities that the model does not have rejected: 1.0" in printed
    assert "between activities rejected: 1.0" in printed
    written = json.loads((tmp_path / "p.json").read_text())
    assert 0.5 < written["value"] <= 0.91
    assert written["figures"]["known lost"] <= 0.2
    said, _ = run(model, "--window", 1, "--threshold", "p.json", "--from", "held-out.csv")
    assert {each["label"] for each in said} == {"rest", "move"}
    assert max(each["end"] for each in said) < 9.5


def test_judging_what_was_said(run: Any, model: Path, recording: Path, tmp_path: Path) -> None:
    said, _ = run(model, "--window", 1, "--decisions", "--from", recording)
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(each) + "\n" for each in said))
    (tmp_path / "truth.csv").write_text("start,end,label\n0,3,rest\n3,6,move\n6,9,rest\n")
    printed, _ = run("judge", "said.jsonl", "truth.csv")
    assert any("true events" in each for each in printed)
    (figures,), _ = run("judge", "said.jsonl", "truth.csv", "--json")
    assert figures["true_events"]["correct"] == 3
    assert figures["seconds"] == 9
    assert figures["frames"]["substitution"] == pytest.approx(0.25 + 0.25)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("truth.csv", "begin,end,label\n", "truth.csv:1: no column start"),
        ("truth.csv", "start,end,label\n0,x,a\n", "truth.csv:2: start and end are seconds"),
        ("truth.csv", "start,end,label\n3,2,a\n", "truth.csv:2: ends at 2, not after its start at 3"),
        ("truth.csv", "start,end,label\n0,2,a\n1,3,b\n", "truth.csv:3: overlaps with a"),
        ("said.jsonl", '{"type":"event","start":0,"end":1,"label":"a","confidence":1}\n{"x":1}\n', "said.jsonl:2: no"),
    ],
)
def test_mistakes_in_files_name_the_line(run: Any, tmp_path: Path, file: str, content: str, said: str) -> None:
    (tmp_path / "truth.csv").write_text("start,end,label\n")
    (tmp_path / "said.jsonl").write_text("")
    (tmp_path / file).write_text(content)
    _, told = run("judge", "said.jsonl", "truth.csv", code=2)
    assert said in told
