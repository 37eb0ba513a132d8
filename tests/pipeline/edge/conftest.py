"""Exported models of a small experiment."""

from __future__ import annotations

from .shipped import shipped  # noqa: F401 -- a fixture
