"""What is true of NumPy: the contents of the table. Importing a file here registers its records."""

from dualgrad.rules import (
    casting,
    complexes,
    constants,
    contractions,
    creation,
    elementwise,
    indexing,
    joining,
    own,
    products,
    reductions,
    scans,
    selection,
    shaping,
    sorting,
    variance,
)

__all__ = [
    "casting",
    "complexes",
    "constants",
    "contractions",
    "creation",
    "elementwise",
    "indexing",
    "joining",
    "own",
    "products",
    "reductions",
    "scans",
    "selection",
    "shaping",
    "sorting",
    "variance",
]
