"""The graph: raw samples of every stream in, probabilities out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pipeline.edge.export.rest import Calibration
from pipeline.edge.export.skeleton import normalise
from pipeline.edge.export.timeline import Timeline
from pipeline.stages.encode.align import Windows
from pipeline.stages.encode.timelines.params import SeriesParams, SkeletonParams
from trainers.data.patches import Reduce, Reduction, derive_bones, patches
from trainers.gaf.params import GafParams
from trainers.gaf.render import render


@dataclass(frozen=True)
class ModalityGraph:
    """How one modality's raw streams become the inputs of a model.

    Attributes
    ----------
    streams
        Names, in the order in which they are joined.
    rate, spec
        Of the timeline.
    channels
        Which channels of the joined streams; all where empty.
    skeleton
        How joints are normalised; None of a plain series.
    reduce
        What a window becomes.
    velocities
        Whether each channel's change is appended.
    gaf
        How images are drawn, for inputs that are images.
    rest
        How a plain series is scaled and turned by what is measured at rest; None where it is not.
    units
        Of its channels, for that.
    parents
        Of the joints, where bones are appended.
    """

    streams: Sequence[str]
    rate: float
    spec: Windows
    channels: Sequence[int]
    skeleton: SkeletonParams | None
    reduce: Reduce | Reduction
    velocities: bool
    gaf: GafParams | None = None
    rest: SeriesParams | None = None
    units: Sequence[str] = ()
    parents: Sequence[int] = ()


class ModalityInputs(nn.Module):
    """Makes a modality's patches, series or images of its raw streams."""

    starts: Tensor

    def __init__(self, graph: ModalityGraph, forms: Mapping[str, str]) -> None:
        super().__init__()
        self.graph, self.forms = graph, forms  # input's name -> patches, series or images
        self.timeline = Timeline(graph.spec, graph.rate)
        self.calibration = None if graph.rest is None else Calibration(graph.rest, graph.units, graph.spec.length)
        self.register_buffer("starts", torch.arange(graph.spec.patches) * graph.spec.stride, persistent=False)

    def forward(self, values: Sequence[Tensor], times: Sequence[Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        """Return the inputs by name, and which patches are valid, (B, P)."""
        graph = self.graph
        if graph.skeleton is not None:
            values = [normalise(each, graph.skeleton).flatten(2) for each in values]
        series, ticks = self.timeline(values, times)
        if graph.channels:
            series = series[..., list(graph.channels)]
        if self.calibration is not None:
            series = self.calibration(series)
        valid = (self.starts + graph.spec.window)[None] <= ticks[:, None]
        inputs = {}
        for name, form in self.forms.items():
            if form == "series":
                inputs[name] = series
            elif form == "images":
                assert graph.gaf is not None
                inputs[name] = render(series, graph.gaf)
            else:
                timeline = derive_bones(series, graph.parents) if graph.parents else series
                timeline = with_velocities(timeline) if graph.velocities else timeline
                pooled = patches(timeline, self.starts, graph.spec.window, graph.reduce)
                inputs[name] = torch.where(valid[..., None], pooled, 0.0) if graph.spec.align == "pad" else pooled
        return inputs, valid


def with_velocities(series: Tensor) -> Tensor:
    """Append each channel's change since the sample before, as `trainers.data.patches.derive_velocities`."""
    change = torch.diff(series, dim=1, prepend=series[:, :1])
    return torch.cat([series, change], dim=-1)


class RawModel(nn.Module):
    """A trained network behind all that makes its inputs: values and times of every stream, in order, in."""

    def __init__(self, network: nn.Module, modalities: Mapping[str, ModalityInputs]) -> None:
        super().__init__()
        self.network = network
        self.modalities = nn.ModuleDict(modalities)
        self.graphs = {name: each.graph for name, each in modalities.items()}
        self.streams = list(dict.fromkeys(name for each in modalities.values() for name in each.graph.streams))

    def forward(self, *tensors: Tensor) -> Tensor:
        """Return probabilities (B, K)."""
        logits: Tensor = self.network(*self.inputs(*tensors))["logits"]
        return logits.softmax(-1)

    def inputs(self, *tensors: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return what the network takes: inputs by name, and masks of those of which patches may be missing."""
        values = dict(zip(self.streams, tensors[::2], strict=True))
        times = dict(zip(self.streams, tensors[1::2], strict=True))
        inputs: dict[str, Tensor] = {}
        masks: dict[str, Tensor] = {}
        for modality in self.modalities.values():
            assert isinstance(modality, ModalityInputs)
            streams = modality.graph.streams
            made, valid = modality([values[name] for name in streams], [times[name] for name in streams])
            inputs |= made
            if modality.graph.spec.align == "pad":
                masks |= {name: valid for name, form in modality.forms.items() if form == "patches"}
        return inputs, masks
