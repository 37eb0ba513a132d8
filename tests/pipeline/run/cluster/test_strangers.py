"""Whoever else is on this machine cannot use the workers of ``--scheduler local``; certificates of one's own work."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from dask import config
from distributed.security import Security

from pipeline.errors import StepError
from pipeline.run.cluster.client import Cluster
from pipeline.run.cluster.local import start_local
from pipeline.run.selection import check_scheduler

STRANGER = """
import sys
from distributed import Client
try:
    client = Client({address!r}, timeout=2, set_as_default=False)
    client.submit(open, {mark!r}, "w", pure=False).result(timeout=10)
except Exception as error:
    print("refused:", type(error).__name__)
"""


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    with start_local(size=1, gpus=0) as cluster:
        yield cluster


def listening() -> set[int]:
    """Return the ports of this process, which holds the scheduler, and of its workers."""
    here = psutil.Process()
    processes = [here, *here.children(recursive=True)]
    found = [connection for process in processes for connection in process.net_connections("tcp")]
    ports = [each.laddr for each in found if each.status == psutil.CONN_LISTEN]
    assert {address.ip for address in ports} == {"127.0.0.1"}
    return {address.port for address in ports}


def answers(port: int, security: Security | None) -> bool:
    """Tell whether dask greets whoever connects, without TLS or with a certificate."""
    with socket.create_connection(("127.0.0.1", port), timeout=1.5) as plain, suppress(OSError):  # ssl's errors, too
        if security is None:
            return plain.recv(1) != b""
        context = security.get_connection_args("client")["ssl_context"]
        context.verify_mode = ssl.CERT_NONE  # a stranger does not mind who answers
        with context.wrap_socket(plain) as secured:
            return secured.recv(1) != b""
    return False


@pytest.mark.parametrize("security", [None, Security.temporary()], ids=["plain", "with a certificate of their own"])
def test_no_port_answers_a_stranger(local: Any, security: Security | None) -> None:
    ports = listening()
    assert len(ports) >= 4  # the scheduler's, a nanny's, a worker's, and pages
    assert [port for port in ports if answers(port, security)] == []


def test_it_answers_its_own(local: Any, cluster: Any) -> None:
    assert answers(int(local.scheduler_address.rpartition(":")[2]), local.security)
    assert answers(int(cluster.address.rpartition(":")[2]), None)  # a scheduler without certificates: anybody


def test_another_user_cannot_run_code(local: Any, tmp_path: Path) -> None:
    """A real one, of another number, with this Python and this dask."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    mark, home = tmp_path / "mark", tmp_path / "home"
    home.mkdir(mode=0o777)
    for address in (local.scheduler_address, local.scheduler_address.replace("tls://", "tcp://")):
        code = STRANGER.format(address=address, mark=str(mark))
        said = subprocess.run(
            [*nobody, sys.executable, "-c", code],
            capture_output=True, text=True, timeout=60, cwd="/", env={"HOME": str(home), "PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert "refused: " in said.stdout, said.stderr
    assert not mark.exists()


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """As docs/scale-out/ssh.md makes them; the environment of whoever may use the cluster."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    recipe = (Path(__file__).parents[4] / "docs" / "scale-out" / "ssh.md").read_text()
    commands = [line.strip() for line in recipe.splitlines() if line.startswith("    openssl ")]
    assert commands
    folder = tmp_path / "tls"
    folder.mkdir(mode=0o700)
    for command in commands:
        subprocess.run(command, shell=True, check=True, capture_output=True, cwd=folder)
    settings = [line.strip() for line in recipe.splitlines() if line.startswith("    export DASK_DISTRIBUTED__COMM__")]
    assert settings
    pairs = dict(line.removeprefix("export ").split("=", 1) for line in settings)
    return {name: value.replace("$PWD", str(folder)) for name, value in pairs.items()}


def settings_of(environment: dict[str, str]) -> dict[str, Any]:
    """Return dask's settings as it would read them at its start."""
    return config.merge(config.config, config.collect_env(environment))


def test_certificates_of_ones_own(make_cluster: Any, certificates: dict[str, str], tmp_path: Path) -> None:
    started = make_cluster(certificates, "--protocol", "tls")
    started.add(1)
    assert started.address.startswith("tls://")
    check_scheduler(started.address)
    with pytest.raises(StepError, match="dask has no certificate to show there"):
        Cluster(started.address)
    with pytest.raises(StepError, match=r"no scheduler answers there .*\n.*tls://... where it asks for certificates"):
        Cluster(started.address.replace("tls", "tcp"))
    with config.set(settings_of(certificates)), Cluster(started.address) as cluster:
        cluster.check("cpu")
        assert cluster.workers == 1
    missing = {**certificates, "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": str(tmp_path / "none.pem")}
    with config.set(settings_of(missing)), pytest.raises(StepError, match=r"cannot be used \(FileNotFoundError"):
        Cluster(started.address)
