"""A network of a plug-in's class, run as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from pipeline.errors import ContractError
from pipeline.stages.context import Resolve
from pipeline.stages.encode.video.networks.body import Body, initialised
from pipeline.stages.encode.video.weights import Weights, load_state, read_file


def build(backbone: Mapping[str, Any], weights: str, file: Path | None, resolve: Resolve) -> Body:
    """Build a plug-in's network, and load a file's weights strictly, where one is named.

    Raises
    ------
    ConfigError
        The file's weights do not fit.
    ContractError
        The class is no module, or says colours that are none.
    """
    name = str(backbone["name"])
    make, params = resolve("backbone", backbone)
    with initialised():
        network = make(params)
    whose = f"backbone {name} ({type(network).__module__})"
    if not isinstance(network, nn.Module):
        raise ContractError(f"{whose}: is no torch.nn.Module\n  let its class be one")
    origin = location = f"as {name} makes them"
    if weights != "none":
        path = file or Path(weights)
        origin, location = path.name, str(path)
        load_state(network, read_file(path), name, location, "Give the state_dict of that class")
    mean, std = (_colour(whose, network, each, default) for each, default in (("mean", 0.0), ("std", 1.0)))
    return Body(_Checked(whose, network), Weights(origin, location, mean, std), None, plain=True)


def _colour(whose: str, network: nn.Module, attribute: str, default: float) -> tuple[float, ...]:
    given = getattr(network, attribute, (default,) * 3)
    try:
        colour = tuple(map(float, given))
    except (TypeError, ValueError):
        colour = ()
    if len(colour) != 3 or (attribute == "std" and not all(each > 0 for each in colour)):
        wanted = "three numbers above 0" if attribute == "std" else "three numbers"
        remedy = f"make it {wanted}, of red, green and blue"
        raise ContractError(f"{whose}: its {attribute} is {given!r:.80}\n  {remedy}")
    return colour


class _Checked(nn.Module):
    """A plug-in's network, of which ContractError tells where it gives anything but features (B, D)."""

    def __init__(self, whose: str, network: nn.Module) -> None:
        super().__init__()
        self._whose, self.network = whose, network
        self._width: int | None = None

    def forward(self, images: Tensor) -> Tensor:
        found = self.network(images)
        wanted = f"wanted a tensor of floating-point numbers ({len(images)}, {self._width or 'features'})"
        if not isinstance(found, Tensor) or not found.is_floating_point():
            given = found.dtype if isinstance(found, Tensor) else type(found).__name__
            raise ContractError(f"{self._whose}: gave {given}, {wanted}\n  mend it there")
        if found.ndim != 2 or len(found) != len(images) or found.shape[1] not in (self._width or found.shape[1], 0):
            raise ContractError(f"{self._whose}: gave a tensor {tuple(found.shape)}, {wanted}\n  mend it there")
        self._width = found.shape[1]
        return found
