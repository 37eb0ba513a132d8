"""Where an exception that nobody foresaw came from: a GPU; which source, model or loss raised it; or which file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from pipeline.plugins.places import loaded_plugins, place_of_error
from trainers.device_errors import is_device_error, is_out_of_memory

_PACKAGES = ("pipeline", "store", "trainers")
# Packages whose modules are of several sources, models or losses; "": a module without a package.
_SHARED_PACKAGES = ("", "pipeline.sources", "pipeline.stages", "trainers.models", "trainers.losses")


def raised_in(error: BaseException, modules: Iterable[str]) -> tuple[str, str] | None:
    """Find the innermost call of an exception that is in one of `modules`, or beside one in its own package.

    Returns the module, and the file with its line (``mine.py:12``).
    """
    homes = {module: module for module in modules}
    homes |= {parent: module for module in homes if (parent := module.rpartition(".")[0]) not in _SHARED_PACKAGES}
    from traceback import walk_tb  # slow to import

    innermost = None
    for frame, line in walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__", ""))
        home = homes.get(name) or homes.get(name.rpartition(".")[0])
        if home is not None:
            innermost = home, f"{_short(frame.f_code.co_filename)}:{line}"
    return innermost


def describe_unforeseen(error: BaseException) -> str:
    """Say what raised an exception that nobody foresaw, where, and what to do."""
    if place := place_of_error(error):
        return f"{place} raised {type(error).__name__}: {error}\n  mend it there; docs/plug-ins.md says what is wanted"
    if origin := describe_origin(error):
        return origin
    defect = "is a defect of harvest: run with --debug and report it"
    if plugins := loaded_plugins():
        defect = f"may come of what {' or '.join(plugins)} gives: run with --debug, and look there first"
    from traceback import walk_tb  # slow to import

    place = ""
    for frame, line in walk_tb(error.__traceback__ and error.__traceback__.tb_next):  # without who caught it
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _PACKAGES:
            place = f"{_short(frame.f_code.co_filename, frame.f_globals['__name__'])}:{line}"
    if not place:
        return f"{type(error).__name__}: {error}\n  this {defect}"
    return (
        f"{place} raised {type(error).__name__}: {error}\n"
        f"  mend it there, where that file or one that calls it was edited; else this {defect}"
    )


def _short(filename: str, module: str = "") -> str:
    """Shorten a file's path to its last three parts, or to the package that its module is in."""
    path = Path(filename)
    count = len(module.split(".")) + (path.name == "__init__.py") if module else 3
    return "/".join(path.parts[-count:]) if path.is_absolute() else filename


def describe_origin(error: BaseException) -> str:
    """Say which source, model or loss raised an exception, and where; empty where none of them did."""
    from pipeline.registry import LOSSES, MODELS, SOURCES, module_of

    tables = {"source": SOURCES, "model": MODELS, "loss": LOSSES}
    named = {
        module_of(reference): f"{what} {name}"
        for what, table in tables.items()
        for name, registration in table.items()
        for reference in (registration.params, registration.build)
    }
    origin = raised_in(error, named)
    if origin is None:
        return ""
    module, line = origin
    return (
        f"{named[module]} ({module}) raised {type(error).__name__} at {line}: {error}\n"
        "  fix it there; where it came with harvest, run again with --debug and report it"
    )


# What torch says of a GPU's failure, in part, and what to do about it; the first that fits.
_GPU_REMEDIES = (
    (
        ("no kernel image", "PTX", "driver version is insufficient", "invalid device function", "NVIDIA driver"),
        "torch's build does not fit this GPU or its driver: compare nvidia-smi with torch.version.cuda and install a "
        "torch for them, or give --device cpu",
    ),
    (
        ("illegal memory access", "device-side assert", "misaligned address", "invalid argument"),
        "run again, and it goes on where it stopped; if it comes back, CUDA_LAUNCH_BLOCKING=1 with --debug shows "
        "where, and --device cpu goes without the GPU",
    ),
    (
        ("",),
        "check the GPU with nvidia-smi and run again, which goes on where it stopped; --device cpu goes without it",
    ),
)


def describe_gpu_failure(error: BaseException) -> str:
    """Say that a GPU failed, and what to do; empty where none did."""
    if is_out_of_memory(error):
        remedy = "stop other programs on it, give --jobs 1 or a lower --together, or lower the batch size"
        return f"out of the GPU's memory\n  {remedy}"
    told = str(error).strip()
    if is_device_error(error):
        remedy = next(remedy for signs, remedy in _GPU_REMEDIES if any(sign in told for sign in signs))
        return f"the GPU failed: {told.splitlines()[0] if told else type(error).__name__}\n  {remedy}"
    if _raised_in_torch_on_a_gpu(error):
        version = sys.modules["torch"].__version__
        return (
            f"torch {version} failed on the GPU: {told.splitlines()[0] if told else type(error).__name__}\n"
            "  give --device cpu or try another version of torch; --debug shows where, please report it"
        )
    return ""


def _raised_in_torch_on_a_gpu(error: BaseException) -> bool:
    """Tell whether torch itself raised it (its autograd, say), in a process that uses a GPU."""
    torch = sys.modules.get("torch")
    if type(error) is not RuntimeError or torch is None or not torch.cuda.is_initialized():
        return False
    from traceback import walk_tb  # slow to import

    *_, (innermost, _line) = walk_tb(error.__traceback__)
    return str(innermost.f_globals.get("__name__", "")).partition(".")[0] == "torch"
