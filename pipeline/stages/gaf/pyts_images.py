"""The same images by pyts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyts.approximation import PiecewiseAggregateApproximation
from pyts.image import GramianAngularField

from trainers.gaf.params import GafParams


def pyts_images(series: NDArray[Any], params: GafParams) -> NDArray[np.float64]:
    """Render one recording, (L, C), as (fields x C, S, S), as `trainers.gaf.render.render` does.

    ValueError where pyts does not take the series: it is shorter than an image's side, or not finite.
    """
    rows = series.T.astype(np.float64)
    ranges = params.ranges(len(rows))
    if ranges is not None:  # pyts scales by sample only; what is in -1..1 already it takes as it is
        points = PiecewiseAggregateApproximation(window_size=None, output_size=params.size, overlapping=False)
        rows = np.clip(points.transform(rows) / np.array(ranges)[:, None], -1.0, 1.0)
    scaled = (-1, 1) if ranges is None else None
    fields = [GramianAngularField(params.size, scaled, method=field).transform(rows) for field in params.fields]
    return np.concatenate(fields)
