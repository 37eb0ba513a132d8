"""How many GPUs there are, asked without torch where there is no driver."""

from __future__ import annotations

from ctypes import CDLL
from functools import cache

NO_CUDA = (
    "--device cuda: torch sees no CUDA device here\n"
    "  check the driver with nvidia-smi and torch's build (a CPU-only one has no CUDA), or give --device cpu"
)
_DRIVERS = ("libcuda.so.1", "libamdhip64.so", "nvcuda.dll")


@cache
def count_gpus(device: str) -> int:
    """Return how many GPUs steps may use on this machine, of which ``--device`` says where networks run."""
    if device == "cpu" or not any(map(_is_there, _DRIVERS)):
        return 0
    import torch  # a second or two

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _is_there(library: str) -> bool:
    try:
        CDLL(library)
    except OSError:
        return False
    return True
