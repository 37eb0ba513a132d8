"""What methods of the public classes raise: `pipeline.errors.PipelineError` alone, whichever package it began in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from pipeline.errors import CodeChanged, PipelineError
from pipeline.experiment.retry import retry_after_quarantine
from pipeline.keys.loaded_code import neighbours_allowed
from store import redact_secrets
from store.errors import StoreError
from trainers.errors import TrainingError

P = ParamSpec("P")
T = TypeVar("T")


def raises_pipeline_errors(function: Callable[P, T]) -> Callable[P, T]:
    """Have a function raise errors of the store and of training as PipelineError.

    Of a damaged output of the own store it is called again once that was set aside, as commands do it.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with neighbours_allowed():
                return retry_after_quarantine(lambda: function(*args, **kwargs))
        except CodeChanged as error:
            raise CodeChanged(f"{error}\n  open the stages file again; a notebook may have to be restarted") from error
        except (StoreError, TrainingError) as error:
            raise PipelineError(redact_secrets(str(error))) from error

    return call
