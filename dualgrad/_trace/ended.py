"""What becomes of a level when its transformation returns: everything done with its tracers is an error."""

from __future__ import annotations

from typing import Any, NoReturn

from dualgrad._trace.level import Level
from dualgrad.errors import LeakedValueError


def leaked(title: str) -> LeakedValueError:
    """Return the error for what is done to a tracer of a transformation that has ended."""
    return LeakedValueError(
        f"A value was used after the transformation that traced it ({title}: grad, jvp, jacobian, ...) had ended. "
        "It was probably stored in a list, an attribute or a global by the differentiated function, or is read by a "
        "generator that it returned. Return the value instead (has_aux=True), or store stop_gradient(x)."
    )


class Ended(Level):
    """A level that is over. Each interpreter mixes this in front of itself, and a level that ends takes that class."""

    __slots__ = ()

    def _leaked(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise leaked(self.title)

    unary = binary = apply = write = constant = lift = _leaked
