"""What the layers below the command line log: bare warnings by themselves, more with ``-v``."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline import log

PACKAGES = ("pipeline", "store", "trainers")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in PACKAGES]
    before = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_verbose_run_says_what_it_does(project: Any) -> None:
    first = project.command("run", "-v", "--until", "encode").stderr
    assert re.search(r"^planned \d+ steps in [\d.]+ s: \d+ todo$", first, re.M)
    assert re.search(r"^encode\[inertial\]: making key [0-9a-f]{64}$", first, re.M)
    quiet = project.command("run", "--until", "encode").stderr
    assert quiet == ""
    # a run with nothing to do is not made slower by logging, so that -v alone imports it
    assert "planned" in project.command("run", "--until", "encode", "--verbose").stderr


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    store = logging.getLogger("store.transfer")
    log.show(1)
    store.debug("an object")
    store.info("an output")
    store.warning("note: once %s", "only")
    assert capsys.readouterr().err == "an output\nnote: once only\n"
    log.show(2)
    store.debug("an object")
    assert re.fullmatch(r" *\d+ ms store.transfer: an object\n", capsys.readouterr().err)


def test_others_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    log.show(2)
    logging.getLogger("distributed").info("theirs")
    assert capsys.readouterr().err == ""
