"""Functions that write at places which differ between the members of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Body = Callable[[Any, Any], None]
X = np.random.default_rng(3).normal(size=(3, 3, 4))


def whole_mask(x: Any, y: Any) -> None:
    y[x > 0] = 3 * x[0, 0]


def rows(x: Any, y: Any) -> None:
    y[x[:, 0] > 0] = 5.0


def column_of_rows(x: Any, y: Any) -> None:
    y[x[:, 0] > 0, 1] = 3 * x[0, 0]


def slice_of_rows(x: Any, y: Any) -> None:
    y[x[:, 0] > 0, -3:-1] = 5.0


def columns(x: Any, y: Any) -> None:
    y[..., x[0] > 0] = 3 * x[0, 0]


def part_of_columns(x: Any, y: Any) -> None:
    y[1:, x[0] > 0] = 5.0


def part_of_a_row(x: Any, y: Any) -> None:
    y[-1, x[0] > 0] = 3 * x[0, 0]


def behind_a_new_axis(x: Any, y: Any) -> None:
    y[None, x[:, 1] > 0, None, 2] = 3 * x[0, 0]


def all_or_nothing(x: Any, y: Any) -> None:
    y[x[0, 0] > 0] = 3 * x[1, 1]


def doubled(x: Any, y: Any) -> None:
    y[x > 0] *= 2


def computed_from_another(x: Any, y: Any) -> None:
    y[x > 0] = x[0, 0] * x[x > 0] ** 3 + x[1, 1] / np.cosh(-x[x > 0])


def rows_by_a_row(x: Any, y: Any) -> None:
    y[x[:, 0] > 0] += x[1] * np.arange(4.0) - y[x[:, 0] > 0]


def columns_from_other_rows(x: Any, y: Any) -> None:
    y[1:, x[0] > 0] = 2 * np.sqrt(1 + x[:-1, x[0] > 0] ** 2)


def through_a_row(x: Any, y: Any) -> None:
    y[2][x[0] > 0] -= x[0, 0]


def one_of_two_masks(x: Any, y: Any) -> None:
    mask = x > 0
    chosen = y[mask]
    same = chosen
    chosen *= x[mask]
    y[~mask] /= 3.0
    y[mask] = 1.0 - same


def where_squares_are_large(x: Any, y: Any) -> None:
    y[y > 0.5] = np.maximum(2.0 ** y[y > 0.5], x[0, 1])


def rows_of_a_column(x: Any, y: Any) -> None:
    y[x[:, 1] > 0, 2] *= x[x[:, 1] > 0, 1]


def apart_from_an_integer(x: Any, y: Any) -> None:
    z = np.stack([y, x * y])
    z[1, 1:, x[0] > 0] *= x[0, 0]
    y[...] = z[1] + z[0]


SELECTIONS = [
    doubled,
    computed_from_another,
    rows_by_a_row,
    columns_from_other_rows,
    through_a_row,
    one_of_two_masks,
    where_squares_are_large,
    rows_of_a_column,
    apart_from_an_integer,
]
MASKS = [
    whole_mask,
    rows,
    column_of_rows,
    slice_of_rows,
    columns,
    part_of_columns,
    part_of_a_row,
    behind_a_new_axis,
    all_or_nothing,
]


def order(x: Any, y: Any) -> None:
    y[np.argsort(x[:, 0])] = x**3


def largest(x: Any, y: Any) -> None:
    y[np.argmax(x[:, 0]), 1:3] += x[0, 2:]


def one_of_each(x: Any, y: Any) -> None:
    y[x.argmax(0), [0, 1, 2, 3]] = x[0] ** 3


def the_last_stays(x: Any, y: Any) -> None:
    y[0 * np.argmin(x, 1), 1] = x[:, 2] ** 3


def along_an_axis(x: Any, y: Any) -> None:
    np.put_along_axis(y, np.argsort(x, 1), x**3, 1)


def added(x: Any, y: Any) -> None:
    places: Any = np.argmax(x, 0), [0, 1, 1, 2]
    np.add.at(y, places, x[0] ** 2)


def added_to_rows(x: Any, y: Any) -> None:
    np.add.at(y, np.argmax(x, 0), x[0] ** 2)
    behind: Any = (slice(None), np.argmin(x, 1))
    np.add.at(y[1:], behind, 2.0)


def subtracted_from_a_product_of_places(x: Any, y: Any) -> None:
    np.subtract.at(y, (np.argmax(x, 0)[:, None], np.argmin(x, 1)), x[0, 0])


def multiplied_more_than_once(x: Any, y: Any) -> None:
    np.multiply.at(y, (np.argmax(x, 0), 0 * np.argmin(x, 0)), x[1])


def multiplied_once(x: Any, y: Any) -> None:
    np.multiply.at(y, np.argsort(x[:, 0]), x)


def squared(x: Any, y: Any) -> None:
    places: Any = np.argmax(x, 0), 1
    np.square.at(y, places)


def raised(x: Any, y: Any) -> None:
    np.maximum.at(y[1], np.argmax(x, 1), x[:, 2])


def added_where_a_mask_says(x: Any, y: Any) -> None:
    np.add.at(y, x > 0, 3 * x[0, 0])


def added_at_one_place(x: Any, y: Any) -> None:
    np.add.at(y, np.argmax(x[:, 0]), x[1])


def put(x: Any, y: Any) -> None:
    np.put(y, np.argsort(x[0]) - 4, x[1] ** 3)
    np.put(y, np.argmax(x), 2.0, mode="wrap")


def put_in_turn(x: Any, y: Any) -> None:
    np.place(y, x > 0, x[0, :3] ** 3)
    np.place(y, x > 0.5, [2.0])


PLACES = [order, largest, one_of_each, the_last_stays, along_an_axis]
PLACES += [
    added,
    added_to_rows,
    subtracted_from_a_product_of_places,
    multiplied_more_than_once,
    multiplied_once,
    squared,
    raised,
    added_where_a_mask_says,
    added_at_one_place,
    put,
    put_in_turn,
]


def written(body: Body) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = x**2
        body(x, y)
        return y

    return f
