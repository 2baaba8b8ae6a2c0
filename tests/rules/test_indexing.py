"""What differences cannot see of indexing."""

from __future__ import annotations

import numpy as np
import pytest

from dualgrad import derivative, grad, hessian


@pytest.mark.parametrize("index", [None, (), Ellipsis, True, np.True_, (None, None)], ids=str)
def test_a_number_is_indexed_as_an_array_without_axes(index: object) -> None:
    assert grad(lambda x: np.sum(x[index] ** 2))(3.0) == 6.0
    assert derivative(lambda x: np.sum(x[index] ** 2))(3.0) == 6.0
    assert hessian(lambda x: np.sum(x[index] ** 3))(2.0) == 12.0
