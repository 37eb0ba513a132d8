"""Quantiles of Student's t, against scipy's."""

from __future__ import annotations

import pytest
from scipy.special import stdtrit

from pipeline.report.student_t import two_sided_quantile


@pytest.mark.parametrize("freedom", [*range(1, 60), 99, 100, 999, 1000, 1.001, 1.5, 2.7, 3.999, 17.3, 123.4])
def test_equals_scipys(freedom: float) -> None:
    assert two_sided_quantile(0.95, freedom) == pytest.approx(stdtrit(freedom, 0.975), rel=1e-10)
    assert two_sided_quantile(0.5, freedom) == pytest.approx(stdtrit(freedom, 0.75), rel=1e-9)
