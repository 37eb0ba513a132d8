"""Which recordings a loss on logits follows its teacher on."""

from __future__ import annotations

from typing import Literal

Select = Literal["all", "agree"]
