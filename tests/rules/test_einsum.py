"""What samples do not cover of einsum: refused parameters, stretched axes, three operands, malformed subscripts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad
from dualgrad.errors import NoRuleError
from dualgrad.testing import check_grads

# Without the types of its overloads.
einsum: Any = np.einsum
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk,ki->", [(2, 3), (3, 2), (2, 2)]),
        ("i...j,j->...", [(2, 4, 3), (3,)]),
        ("ii,ij->j", [(2, 2), (2, 3)]),
        ("ij,ik->jk", [(1, 3), (4, 2)]),
        ("ijij->", [(2, 3, 2, 3)]),
    ],
)
@pytest.mark.parametrize("optimize", [False, True, "optimal"])
def test_real_and_complex_operands_to_second_order(subscripts: str, shapes: Any, optimize: Any) -> None:
    real = [RNG.standard_normal(shape) for shape in shapes]
    mixed = [real[0] + 1j * RNG.standard_normal(shapes[0]), *real[1:]]
    for operands in (real, mixed):
        check_grads(lambda *xs: einsum(subscripts, *xs, optimize=optimize), tuple(operands), rtol=1e-5)


def test_trace_has_the_gradient_of_the_identity() -> None:
    np.testing.assert_array_equal(grad(lambda x: einsum("ii", x))(np.ones((3, 3))), np.eye(3))


def test_parameters_that_no_rule_takes_are_refused_by_name() -> None:
    for name, value in (("dtype", np.float32), ("casting", "unsafe"), ("order", "F")):
        with pytest.raises(NoRuleError, match=f"{name}="):
            grad(lambda x, kw={name: value}: einsum("i->", x, **kw))(np.ones(2))


def test_subscripts_that_do_not_fit_raise() -> None:
    for text in ("ij->", "i,j->", "...->"):
        with pytest.raises(ValueError, match="einsum"):
            grad(lambda x, text=text: einsum(text, x))(np.ones(2))
