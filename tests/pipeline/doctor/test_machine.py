"""What a container leaves of a machine, read from real layouts of /proc and /sys in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.doctor import disks, machine


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_the_limits_of_control_groups_two(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user/job\n",
            "proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n",
            "sys/fs/cgroup/user/job/cpu.max": "max 100000",
            "sys/fs/cgroup/user/cpu.max": "150000 100000",
            "sys/fs/cgroup/user/job/memory.max": "1073741824",
            "sys/fs/cgroup/user/memory.max": "max",
        },
    )
    assert machine.cpu_limit(root) == 1.5
    assert machine.memory_limit(root) == 1 << 30
    texts = [f"{each.level} {each.what}" for each in machine.find(root)]
    assert "note 1.0 GiB of memory for this process (the container's limit; the machine has 16.0), 1.0 free" in texts


def test_the_limits_of_control_groups_one(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n1:name=systemd:/docker/a\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        },
    )
    assert machine.cpu_limit(root) == 2.0
    assert machine.memory_limit(root) is None


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    assert machine.cpu_limit(tmp_path) is None
    assert "memory there is, is unknown" in [*machine.find(tmp_path)][-1].what


@pytest.mark.parametrize(("given", "level"), [("two", "problem"), ("0", "problem"), ("9999", "note")])
def test_a_number_of_threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, level: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    (said,) = [each for each in machine.find(tmp_path) if f"OMP_NUM_THREADS={given} " in each.what]
    assert said.level == level
    assert said.repair


def test_the_file_system_is_that_of_the_deepest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"2 1 0:40 / {tmp_path}/my\\040share rw,relatime shared:1 - nfs4 host:/x rw\n"
        "3 1 0:41 / /proc rw - proc proc rw\n"
    )
    (tmp_path / "my share" / "deep").mkdir(parents=True)
    assert disks.file_system(tmp_path / "my share" / "deep", mounts) == "nfs4"
    assert disks.file_system(tmp_path, mounts) == "ext4"
    assert disks.file_system(tmp_path, tmp_path / "missing") == ""


def test_a_trial_leaves_nothing(tmp_path: Path) -> None:
    assert "problem" not in {each.level for each in disks.look("disk", tmp_path / "a" / "b")}
    assert [*tmp_path.iterdir()] == []


def test_a_file_where_a_folder_belongs(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    (said,) = disks.look("disk", tmp_path / "store" / "deep")
    assert said.level == "problem"
    assert f"{tmp_path / 'store'} is no folder" in said.what
