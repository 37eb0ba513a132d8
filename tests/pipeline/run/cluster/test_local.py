"""`--scheduler local` on a machine with GPUs, of which there need be none: what each worker is told."""

from __future__ import annotations

import os
from typing import Any

import pytest
from distributed import Client

from pipeline.run.cluster.local import start_local


def told() -> tuple[str, str, dict[str, Any]]:
    from distributed import get_worker
    from distributed.worker import Worker

    worker = get_worker()
    assert isinstance(worker, Worker)
    return os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"], worker.state.total_resources


@pytest.mark.parametrize(("visible", "mine"), [("5,2", {"5", "2"}), (None, {"0", "1"})])
def test_each_worker_has_one_of_the_gpus_and_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, mine: set[str]
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with (
        start_local(size=1, gpus=2) as cluster,
        Client(cluster.scheduler_address, security=cluster.security, set_as_default=False) as client,
    ):
        found = [
            client.submit(told, workers=[name], pure=False).result() for name in client.scheduler_info()["workers"]
        ]
    assert {gpu for gpu, _, _ in found} == mine
    assert [(threads, resources) for _, threads, resources in found] == [("3", {"GPU": 1.0})] * 2
