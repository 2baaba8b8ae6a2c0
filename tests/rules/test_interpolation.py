"""interp at corners, ends and jumps, with infinities, around a period."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, jvp, vmap
from dualgrad.testing import check_grads

XP = np.array([0.0, 1.0, 3.0])
FP = np.array([1.0, 3.0, 2.0])


def test_a_corner_belongs_to_the_piece_on_its_right_and_the_last_to_its_left() -> None:
    slopes = [float(grad(lambda x: np.interp(x, XP, FP))(x)) for x in (0.0, 0.5, 1.0, 2.0, 3.0)]

    assert slopes == [2.0, 2.0, -0.5, -0.5, -0.5]


def test_beyond_the_ends_the_line_is_flat() -> None:
    for x, end in ((-1.0, 0), (4.0, 2)):
        gx, gxp, gfp = grad(np.interp, argnums=(0, 1, 2))(x, XP, FP)

        assert gx == 0
        np.testing.assert_array_equal(gxp, np.zeros(3))
        np.testing.assert_array_equal(gfp, np.eye(3)[end])


def test_left_and_right_are_differentiated() -> None:
    def f(x: Any, left: Any, right: Any) -> Any:
        return np.sum(np.interp(x, XP, FP, left, right) * np.array([1.0, 10.0, 100.0]))

    gx, left, right = grad(f, argnums=(0, 1, 2))(np.array([-1.0, 0.5, 5.0]), 7.0, 8.0)

    np.testing.assert_array_equal(gx, [0, 20, 0])
    assert (left, right) == (1.0, 100.0)


def test_moving_the_line_along_with_the_point_changes_nothing() -> None:
    x = np.array([0.3, 1.7, 2.9])

    _, t = jvp(lambda x, xp: np.interp(x, xp, FP), (x, XP), (np.ones(3), np.ones(3)))

    np.testing.assert_allclose(t, 0, atol=1e-15)


def test_a_jump_has_no_slope_of_its_own() -> None:
    xp, fp = np.array([0.0, 1.0, 1.0, 2.0, 2.0]), np.array([0.0, 1.0, 5.0, 6.0, 9.0])
    x = np.array([0.5, 1.0, 1.5, 2.0])

    value, t = jvp(lambda x: np.interp(x, xp, fp), (x,), (np.ones(4),))

    np.testing.assert_array_equal(value, np.interp(x, xp, fp))
    np.testing.assert_array_equal(t, [1, 1, 1, 0])
    assert np.all(np.isfinite(jacrev(lambda xp: np.interp(x, xp, fp))(xp)))


def test_infinities_and_nan_come_out_as_numpys() -> None:
    x = np.array([0.0, 0.5, 1.0, 1.5, 2.0, np.nan])
    xp = np.array([0.0, 1.0, 2.0])
    for fp in ([1.0, np.inf, 2.0], [np.inf, np.inf, 1.0], [-np.inf, 1.0, np.inf], [np.nan, 1.0, 2.0]):
        value, _ = jvp(lambda x, fp=fp: np.interp(x, xp, np.array(fp)), (x,), (np.ones(6),))

        np.testing.assert_array_equal(value, np.interp(x, xp, fp))


def test_around_a_period_everything_moves() -> None:
    def f(x: Any, xp: Any, fp: Any, period: Any) -> Any:
        return np.interp(x, xp, fp, period=period)

    args = (np.array([-0.4, 2.6, 5.3]), np.array([1.9, 0.35, 1.1]), FP, 2.5)

    value, _ = jvp(f, args, args)
    np.testing.assert_allclose(value, np.interp(args[0], args[1], FP, period=2.5), rtol=1e-15)
    check_grads(f, args, order=2)


def test_a_batch_of_lines() -> None:
    fps = np.stack([FP, 2 * FP])
    xps = np.stack([XP, XP + 0.25])
    x = np.array([0.5, 2.0])

    def line(x: Any, xp: Any, fp: Any) -> Any:
        return np.interp(x, xp, fp)

    np.testing.assert_allclose(
        vmap(line, (None, 0, 0))(x, xps, fps), [np.interp(x, a, b) for a, b in zip(xps, fps, strict=True)]
    )
    np.testing.assert_allclose(jacfwd(lambda fp: np.interp(x, XP, fp))(FP), [[0.5, 0.5, 0], [0, 0.5, 0.5]])


@pytest.mark.parametrize(
    ("args", "match"),
    [
        (([], []), "empty"),
        ((XP, FP[:2]), "same length"),
        ((XP[None], FP[None]), "1-D"),
        ((XP, FP, None, None, 0), "non-zero"),
    ],
)
def test_errors_are_numpys(args: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        grad(lambda x: np.interp(x, *args))(0.5)
