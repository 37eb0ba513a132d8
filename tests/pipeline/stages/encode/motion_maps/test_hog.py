"""Histograms of oriented gradients: by hand, and the numbers of scikit-image."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.stages.encode.motion_maps.hog import hog, width

_ROWS, _COLUMNS = np.mgrid[:8, :8]
PATTERN = ((7 * _ROWS**2 + 3 * _ROWS * _COLUMNS + 5 * _COLUMNS) % 11).astype(np.float64)
# Of scikit-image 0.26: hog(PATTERN, 9, (4, 4), (2, 2), "L2-Hys"), a cell a line.
OF_SCIKIT_IMAGE = [
    [0.232144, 0.23395, 0, 0, 0.27601, 0, 0, 0.27601, 0.117673],
    [0.058036, 0.23395, 0, 0, 0.27601, 0, 0, 0.27601, 0.117673],
    [0.27601, 0.086515, 0, 0.27601, 0.27601, 0.043258, 0, 0.043258, 0],
    [0.27601, 0, 0, 0.104178, 0.27221, 0.104178, 0.205714, 0.216288, 0],
]


def test_an_image_is_described_as_scikit_image_does() -> None:
    np.testing.assert_allclose(hog(PATTERN[None], 4, 9)[0], np.ravel(OF_SCIKIT_IMAGE), atol=1e-6)


def test_images_of_any_size_are_described_as_scikit_image_does() -> None:
    feature = pytest.importorskip("skimage.feature", reason="scikit-image is no dependency")
    for size, cell, orientations in ((16, 4, 9), (30, 7, 6), (64, 8, 9)):
        images = np.random.default_rng(size).integers(0, 2000, (3, size, size)).astype(np.float64)
        expected = [feature.hog(each.astype(float), orientations, (cell, cell), (2, 2)) for each in images]
        np.testing.assert_allclose(hog(images, cell, orientations), np.stack(expected), atol=1e-6)


def test_an_upright_edge_votes_for_its_direction_alone() -> None:
    """Two columns beside the edge have a gradient of 10 to the right: one lies in either of two cells."""
    image = np.zeros((1, 8, 8))
    image[:, :, 4:] = 10
    found = hog(image, 4, 4)[0].reshape(4, 4)  # cells, orientations
    assert found[:, 0] == pytest.approx([0.5] * 4)  # equal votes in four cells, which a clip at 0.2 leaves equal
    assert not found[:, 1:].any()
    turned = hog(image.transpose(0, 2, 1), 4, 4)[0].reshape(4, 4)
    assert turned[:, 2] == pytest.approx([0.5] * 4)
    assert not turned[:, [0, 1, 3]].any()


def test_brightness_and_contrast_do_not_matter() -> None:
    np.testing.assert_allclose(hog(PATTERN[None] * 8 + 100, 4, 9), hog(PATTERN[None], 4, 9), atol=1e-5)


def test_an_image_without_gradients_is_described_by_zeros() -> None:
    assert not hog(np.full((1, 16, 16), 7.0), 4, 9).any()


def test_an_image_has_the_same_bits_whatever_images_are_beside_it() -> None:
    images = np.random.default_rng(1).uniform(size=(7, 32, 32)).astype(np.float64)
    together = hog(images, 8, 9)
    np.testing.assert_array_equal(together, np.concatenate([hog(each[None], 8, 9) for each in images]))
    assert together.shape == (7, width(32, 8, 9)) == (7, 324)
