"""Facts: small truths about a function that dispatch and interpreters act on, beside its derivative."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of a function.

    `fresh`: the answer is new memory for users to fill. `outline`: it reads the shape and dtype of its arguments only.
    `linear`: it is linear in all that may be differentiated, which its word does not say. `product`, `quotient`: the answer is that of its
    two operands, whatever its word. `in_one_place`: much faster where the numbers of a member lie beside each other.
    """

    fresh: bool = False
    outline: bool = False
    linear: bool = False
    product: bool = False
    quotient: bool = False
    in_one_place: bool = False


NO_FACTS = Facts()
