"""Staged feature extraction and training for multi-modal human activity recognition.

What is named in `__all__` is public; docs/python.md shows it. Each is imported when it is first asked for.
"""

from importlib import import_module
from typing import Any

from pipeline.keys.loaded_code import install

install()  # before anything imports the code that keys promise

_PUBLIC = {  # name -> where it lives: `__init__.pyi` says the same to type checkers
    "Experiment": "pipeline.api.experiment:Experiment",
    "open": "pipeline.api.experiment:open_experiment",
    "loss": "pipeline.api.parts:loss",
    "model": "pipeline.api.parts:model",
    "PipelineError": "pipeline.errors:PipelineError",
    "ConfigError": "pipeline.errors:ConfigError",
    "StepError": "pipeline.errors:StepError",
    "__version__": "pipeline.version:VERSION",
}
__all__ = [*_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline.supported import unsupported

    if problem := unsupported():
        raise ImportError(problem)
    module, _, attribute = _PUBLIC[name].partition(":")
    found = globals()[name] = getattr(import_module(module), attribute)
    return found


def __dir__() -> list[str]:
    return sorted({*_PUBLIC, *(name for name in globals() if name.startswith("__"))})
