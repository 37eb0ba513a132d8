"""How often intervals hold the mean difference between two models, by simulation: no timing, and no data.

    python benchmarks/coverage.py

Differences by seed and subject are drawn as mean (0) + subject + seed + rest, all normal, and each of three intervals
of 95 % is taken: Student's over seeds alone, a percentile bootstrap over subjects and seeds (both drawn again, 1,000
times), and that of `pipeline results`, over subjects and seeds as crossed random effects.
"""

from __future__ import annotations

import statistics

import numpy as np
from numpy.typing import NDArray

from pipeline.report.comparison.crossed import crossed_interval
from pipeline.report.student_t import mean_interval

REPEATS, RESAMPLES = 2000, 1000
SIZES = ((4, 5), (4, 10), (8, 5), (12, 10))  # subjects, seeds
SPREADS = ((1, 1, 1), (2, 1, 1), (1, 2, 1), (0, 1, 1))  # deviations of subjects, seeds and the rest
NAMES = ("Student over seeds", "bootstrap over both", "crossed effects")


def main() -> None:
    draw = np.random.default_rng(0)
    print(f"{'subjects':>8} {'seeds':>5} {'deviations':>10}   " + "   ".join(f"{name:>24}" for name in NAMES))
    for subjects, seeds in SIZES:
        for spread in SPREADS:
            ends = np.array([intervals(table(draw, subjects, seeds, spread), draw) for _ in range(REPEATS)])
            held = 100 * ((ends[..., 0] <= 0) & (ends[..., 1] >= 0)).mean(0)
            width = (ends[..., 1] - ends[..., 0]).mean(0)
            cells = "   ".join(f"{share:6.1f} % ({wide:5.2f} wide)" for share, wide in zip(held, width, strict=True))
            print(f"{subjects:>8} {seeds:>5} {' '.join(map(str, spread)):>10}   {cells}", flush=True)


def table(draw: np.random.Generator, subjects: int, seeds: int, spread: tuple[float, ...]) -> NDArray[np.float64]:
    """Draw differences (seeds, subjects)."""
    of_subjects, of_seeds, rest = spread
    cells = of_subjects * draw.standard_normal(subjects) + of_seeds * draw.standard_normal((seeds, 1))
    return cells + rest * draw.standard_normal((seeds, subjects))


def intervals(cells: NDArray[np.float64], draw: np.random.Generator) -> list[tuple[float, float]]:
    """Return the ends of each kind of interval."""
    seeds, subjects = cells.shape
    of_seeds = draw.multinomial(seeds, [1 / seeds] * seeds, RESAMPLES) / seeds
    of_subjects = draw.multinomial(subjects, [1 / subjects] * subjects, RESAMPLES) / subjects
    low, high = np.quantile(((of_seeds @ cells) * of_subjects).sum(1), [0.025, 0.975])
    by_seed = [statistics.fmean(row) for row in cells.tolist()]
    return [mean_interval(by_seed)[1:], (float(low), float(high)), crossed_interval(cells.tolist(), 0.95)[1:]]


if __name__ == "__main__":
    main()
