"""How fast an output goes to a bucket and back, beside a plain obstore copy of the same objects, and DVC.

    python benchmarks/transfer.py [--bytes N] [--rounds N] [--dvc PATH] [--work DIR]

Starts an S3 server (moto) on loopback and prints a table: MB/s of ours, of the peer, and the ratio. Ours hashes every
byte, syncs files, looks at what arrived and publishes; the plain copy does none of that: threads that put files and get
objects, with the number of threads and parts that proved fastest on a part of the objects just before. Medians of
interleaved rounds; everything is deleted between them. DVC is installed apart from this program:

    python -m venv DIR && .venv/bin/uv pip install --python DIR/bin/python 'dvc[s3]>=3.50'
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.request import Request, urlopen

REPOSITORY = Path(__file__).resolve().parents[1]
OBJECT = 64 << 20
LIMIT = 0.8
STAGE, KEY = "encode", "benchmark"
TUNING = [(2, 2), (4, 2), (4, 8), (8, 2), (16, 2)]  # threads, parts of an object at once

PUSHES = ("push", "push, plain", "push, dvc", "folder", "folder, plain")
PULLS = ("pull", "pull, plain", "pull, dvc")


Timed = Callable[[], float]


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.work) as folder, _server() as endpoint:
        os.environ.update(_environment(endpoint))
        bench = Bench(Path(folder), endpoint, options.bytes, options.dvc)
        times = bench.run(options.rounds)
        print(_table(times, bench.processor, bench.size))
        print(f"{bench.size / 1e9:.2f} GB in {len(bench.files)} objects; {bench.tuned};")
        print(f"medians of {options.rounds} rounds; cpu: processor seconds per GB, the server's aside")
        print(_versions(options.dvc))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=float, default=2e9, help="size of the output (default 2e9)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--dvc", type=Path, help="the dvc program of another environment")
    parser.add_argument("--work", type=Path, help="where to put the files (default: the temporary folder)")
    return parser.parse_args()


class Bench:
    """One output in a folder, and every way to get it to the bucket and back.

    Parameters
    ----------
    folder : Path
    endpoint : str
    size : float
        Bytes of the output.
    dvc : Path or None
    """

    def __init__(self, folder: Path, endpoint: str, size: float, dvc: Path | None) -> None:
        from store import Store

        self._folder, self._endpoint, self._dvc = folder, endpoint, dvc
        self._round = 0
        self.tuned = ""
        self.processor: dict[str, list[float]] = {}
        self._ways = {"push": TUNING[0], "pull": TUNING[0]}
        count = max(1, round(size / OBJECT))
        _note(f"writing {count} objects of {OBJECT >> 20} MiB")
        self.source = Store.open(str(folder / "source"))
        with self.source.draft(STAGE, KEY, recipe={}, inputs=[]) as draft:
            for number in range(count):
                draft.write(f"features/c/{number}", os.urandom(OBJECT))
            output = draft.publish({})
        self.files = {path: Path(output.url, path) for path in output.entries}
        self.size = sum(entry.size for entry in output.entries.values())
        os.sync()

    def run(self, rounds: int) -> dict[str, list[float]]:
        """Return the seconds of every round, by what was timed."""
        self._tune()
        if self._dvc:
            self._prepare_dvc()
        ways: dict[str, Timed] = {
            "push": lambda: self.ours(self.source, self._remote()),
            "push, plain": self.plain_push,
            "pull": lambda: self.ours(self._remote(), self._home()),
            "pull, plain": self.plain_pull,
            "folder": lambda: self.ours(self.source, self._home()),
            "folder, plain": self.plain_copy,
        }
        if self._dvc:
            ways |= {"push, dvc": lambda: self.dvc("push"), "pull, dvc": lambda: self.dvc("pull")}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for self._round in range(1, rounds + 1):
            turn = -1 if self._round % 2 else 1  # who goes first alternates; a pull needs its push
            for name in [*PUSHES[::turn], *PULLS[::turn]]:
                if name in ways:
                    self._time(name, ways[name], times)
            self._clear()
        return times

    def _time(self, name: str, way: Timed, times: dict[str, list[float]]) -> None:
        os.sync()
        before = _processor_s()
        took = way()
        times[name].append(took)
        self.processor.setdefault(name, []).append(_processor_s() - before)
        _note(f"round {self._round}: {name}: {took:.1f} s, {self.size / took / 1e6:.0f} MB/s")

    def ours(self, source: object, target: object) -> float:
        """Time `copy_output`."""
        from store import copy_output

        started = time.perf_counter()
        copied = copy_output(source, target, STAGE, KEY)  # type: ignore[arg-type]
        took = time.perf_counter() - started
        assert copied.sent == self.size
        return took

    def plain_push(self, files: Sequence[str] | None = None) -> float:
        """Time obstore alone, putting files."""
        import obstore

        threads, parts = self._ways["push"]
        bucket = self._bucket(f"plain-{self._round}")

        def put(path: str) -> None:
            obstore.put(bucket, path, self.files[path], chunk_size=8 << 20, max_concurrency=parts)

        return _timed(put, files or list(self.files), threads)

    def plain_pull(self, files: Sequence[str] | None = None) -> float:
        """Time obstore alone, getting objects into files."""
        import obstore

        threads, _ = self._ways["pull"]
        bucket, home = self._bucket(f"plain-{self._round}"), self._folder / f"plain-{self._round}"

        def get(path: str) -> None:
            place = home / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(place, "wb", buffering=0) as file:
                for piece in obstore.get(bucket, path).stream(min_chunk_size=8 << 20):
                    file.write(piece)

        return _timed(get, files or list(self.files), threads)

    def plain_copy(self) -> float:
        """Time copying files, each synced, as ours are."""

        def copy(path: str) -> None:
            place = self._folder / f"copied-{self._round}" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.files[path], place)
            with open(place, "rb") as file:
                os.fsync(file.fileno())

        return _timed(copy, list(self.files), 4)

    def dvc(self, action: str) -> float:
        """Time ``dvc push`` or ``dvc pull`` as a user runs it: its start is part of it."""
        place = self._folder / "dvc"
        if action == "pull":
            shutil.rmtree(place / "data")
            shutil.rmtree(place / ".dvc/cache")
        started = time.perf_counter()
        self._run_dvc(action, "--quiet")
        return time.perf_counter() - started

    def _tune(self) -> None:
        some = list(self.files)[: max(1, len(self.files) // 8)]
        for what, timed in (("push", self.plain_push), ("pull", self.plain_pull)):
            found = {}
            for way in TUNING if what == "push" else [each for each in TUNING if each[1] == 2]:
                self._ways[what] = way
                found[way] = min(timed(some) for _ in range(2))
            self._ways[what] = min(found, key=lambda way: found[way])
        self.tuned = ", ".join(f"plain {what} with {way[0]} threads" for what, way in self._ways.items())
        self._clear()

    def _prepare_dvc(self) -> None:
        place = self._folder / "dvc"
        (place / "data").mkdir(parents=True)
        for path, file in self.files.items():
            os.link(file, place / "data" / path.replace("/", "-"))
        self._run_dvc("init", "--no-scm", "--quiet")
        self._run_dvc("config", "cache.type", "hardlink", "--quiet")
        self._run_dvc("remote", "add", "--default", "bucket", "s3://bucket/dvc", "--quiet")
        self._run_dvc("remote", "modify", "bucket", "endpointurl", self._endpoint, "--quiet")
        _note("dvc add (not timed)")
        self._run_dvc("add", "data", "--quiet")

    def _run_dvc(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._dvc), *arguments],
            cwd=self._folder / "dvc",
            env={**os.environ, "DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"dvc {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    def _remote(self):  # type: ignore[no-untyped-def]
        from store import Store

        return Store.open(f"s3://bucket/ours-{self._round}")

    def _home(self):  # type: ignore[no-untyped-def]
        from store import Store

        return Store.open(tempfile.mkdtemp(dir=self._folder, prefix="home-"))

    def _bucket(self, name: str):  # type: ignore[no-untyped-def]
        from obstore.store import from_url

        return from_url(f"s3://bucket/{name}", client_options={"allow_http": True, "timeout": "600 s"})

    def _clear(self) -> None:
        import obstore

        bucket = self._bucket("")
        obstore.delete(bucket, [meta["path"] for batch in obstore.list(bucket) for meta in batch])
        for pattern in ("home-*", "plain-*", "copied-*"):
            for place in self._folder.glob(pattern):
                shutil.rmtree(place)


def _timed(work: Callable[[str], None], paths: Sequence[str], threads: int) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, paths))
    return time.perf_counter() - started


def _processor_s() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _table(times: dict[str, list[float]], processor: dict[str, list[float]], size: int) -> str:
    lines = [f"{'':<34} {'ours MB/s':>10} {'peer MB/s':>10} {'ratio':>6} {'limit':>6} {'ours cpu':>9} {'peer cpu':>9}"]
    for name, peer, title in (
        ("push", "push, plain", "push to S3 / plain obstore copy"),
        ("pull", "pull, plain", "pull from S3 / plain obstore copy"),
        ("push", "push, dvc", "push to S3 / dvc push"),
        ("pull", "pull, dvc", "pull from S3 / dvc pull"),
        ("folder", "folder, plain", "folder to folder / copy and sync"),
    ):
        if peer in times:
            ours, theirs = (size / statistics.median(times[each]) / 1e6 for each in (name, peer))
            ratio = statistics.median(b / a for a, b in zip(times[name], times[peer], strict=True))
            limit = f"{LIMIT:6.1f}" if "obstore" in title else f"{'-':>6}"
            spent = [f"{statistics.median(processor[each]) / size * 1e9:9.2f}" for each in (name, peer)]
            lines.append(f"{title:<34} {ours:10.0f} {theirs:10.0f} {ratio:6.2f} {limit} {' '.join(spent)}")
    return "\n".join(lines)


@contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, str(REPOSITORY / "tests/s3_server.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    try:
        endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
        with urlopen(Request(f"{endpoint}/bucket", method="PUT")):
            yield endpoint
    finally:
        process.stdin.close()
        process.wait(10)


def _environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_REGION": "us-east-1",
    }


def _versions(dvc: Path | None) -> str:
    peers = [f"{name} {version(name)}" for name in ("obstore", "moto")]
    if dvc is not None:
        said = subprocess.run([str(dvc), "--version"], capture_output=True, text=True, check=True).stdout.strip()
        peers.append(f"dvc {said}")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}, {', '.join(peers)}; {os.cpu_count()} cores, {platform.machine()}{load}"


def _note(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
