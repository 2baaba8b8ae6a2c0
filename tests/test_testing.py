"""`check_grads` notices wrong rules in each mode and says where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import custom_jvp, custom_vjp, stop_gradient
from dualgrad.testing import check_grads

X = np.array([0.5, 1.5])


def with_rules(push: float, pull: float) -> Any:
    f = custom_jvp(lambda x: x**2)
    f.defjvp(lambda primals, tangents: (primals[0] ** 2, push * primals[0] * tangents[0]))
    f.defvjp(lambda x: (x**2, x), lambda x, ct: (pull * x * ct,))
    return f


def test_right_rules_pass() -> None:
    check_grads(with_rules(2.0, 2.0), (X,))


@pytest.mark.parametrize(
    ("push", "pull", "mode", "title"), [(2.1, 2.0, "fwd", "jvp of f"), (2.0, 2.1, "rev", "vjp of f")]
)
def test_a_wrong_rule_fails_in_its_mode_only(push: float, pull: float, mode: str, title: str) -> None:
    f = with_rules(push, pull)

    with pytest.raises(AssertionError, match=f"{title} differs from finite differences in"):
        check_grads(f, (X,), modes=(mode,))
    check_grads(f, (X,), order=1, modes=({"fwd": "rev", "rev": "fwd"}[mode],))


def test_a_wrong_second_derivative_is_noticed_at_second_order() -> None:
    from_value = custom_vjp(lambda x: x**3)
    from_value.defvjp(lambda x: (x**3, x), lambda x, ct: (3 * stop_gradient(x) ** 2 * ct,))

    check_grads(from_value, (X,), order=1)
    with pytest.raises(AssertionError, match=r"jvp\(f\)|vjp\(f\)"):
        check_grads(from_value, (X,), order=2)


def test_a_pullback_whose_own_rule_is_wrong_is_noticed_at_second_order() -> None:
    same = custom_vjp(lambda ct: ct)
    same.defvjp(lambda ct: (ct, None), lambda _, ct: (1.01 * ct,))
    doubled = custom_vjp(lambda x: 2 * x)
    doubled.defvjp(lambda x: (2 * x, None), lambda _, ct: (2 * same(ct),))

    check_grads(doubled, (X,), order=1, modes=("rev",))
    with pytest.raises(AssertionError, match=r"vjp\(f\)"):
        check_grads(doubled, (X,), order=2, modes=("rev",))


def test_arguments_that_are_not_differentiated_may_be_among_the_others() -> None:
    check_grads(lambda p, n: {"y": p["x"] ** n, "n": n}, ({"x": X, "name": "x"}, 2), order=3)


def test_unknown_modes_and_bare_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        check_grads(np.sin, (X,), modes=("sideways",))
    with pytest.raises(TypeError, match="tuple"):
        check_grads(np.sin, X)  # type: ignore[arg-type]
