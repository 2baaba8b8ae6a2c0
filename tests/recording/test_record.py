"""`record`: what it keeps, what it guards, what a program is good for, and what it refuses."""

from __future__ import annotations

import pickle
import xml.dom.minidom
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import custom_vjp, extend, grad, hessian, jacfwd, jacobian, jvp, record, stop_gradient, taylor, vmap
from dualgrad.errors import ProgramError
from dualgrad.recording import Data, Program
from dualgrad.testing import check_grads

X = np.array([1.0, 2.0, 3.0])
Y = np.array([0.5, -1.5, 2.5])

piecewise: Any = np.piecewise


def branch(x: Any) -> Any:
    return np.sum(np.log(x)) if x[0] > 0 else -x[0]


def loop(x: Any) -> Any:
    y = x[0]
    for _ in range(100):
        step = (y - x[1] / y) / 2
        y = y - step
        if abs(step) < 1e-12:
            break
    return y


def writing(x: Any) -> Any:
    y = np.zeros_like(x)
    for k in range(3):
        y[k] = x[k] * x[(k + 1) % 3]
    half = y[:2]
    half *= x[0]
    return y


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sin(x) * x,
        grad(lambda x: np.sum(np.exp(x) / (1 + x**2))),
        hessian(lambda x: np.sum(x[1:] * x[:-1] ** 2)),
        jacobian(writing),
        jacfwd(writing),
        vmap(grad(lambda x: x**3)),
        lambda x: vmap(lambda a, b: a * np.sin(b), (0, None))(x, x[0]),
        lambda x: jvp(writing, (x,), (x,)),
        lambda x: taylor(lambda t: np.exp(t * x), 1.0, 1.0, 3),
        lambda x: {"a": x[0], "b": (x[1:], None, "name", np.arange(3))},
    ],
)
def test_a_program_is_the_function_at_other_points(f: Callable[[Any], Any]) -> None:
    program = record(f)(X)
    for at in (X, Y):
        found, expected = program(at), f(at)
        assert str(found) == str(expected)
    assert str(program.value) == str(f(X))


def test_a_branch_that_goes_the_other_way_is_an_error_that_names_the_line() -> None:
    program = record(grad(branch))(X)
    assert np.array_equal(program(2 * X), 1 / (2 * X))
    with pytest.raises(ProgramError, match=r"bool\(%\d+\) \(test_record.py:\d+\) was True .* Record the function at"):
        program(-X)
    assert program.holds(2 * X)
    assert not program.holds(-X)


def test_the_number_of_steps_of_a_loop_is_guarded() -> None:
    program = record(loop)(np.array([1.0, 2.0]))
    assert program(np.array([1.0, 2.0])) == loop(np.array([1.0, 2.0]))
    with pytest.raises(ProgramError):
        program(np.array([1.0, 1e6]))


@pytest.mark.parametrize(
    "convert", [float, int, lambda x: x.item(), lambda x: x.tolist(), lambda x: [1.0, 2.0, 4.0][x.astype(int)]]
)
def test_what_becomes_a_plain_number_is_guarded(convert: Any) -> None:
    program = record(lambda x: np.sum(x) * convert(x[0]))(X)
    assert program(np.array([1.0, 5.0, 7.0])) == 13 * convert(np.array([1.0])[0])
    with pytest.raises(ProgramError):
        program(2 * X)


def test_the_second_sweep_is_another_program() -> None:
    with np.errstate(all="ignore"):
        program = record(grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0))))(X)
        with pytest.raises(ProgramError, match="holds_nan"):
            program(np.array([1.0, 0.0, 2.0]))
    with pytest.raises(ProgramError):
        record(hessian(lambda x: np.linalg.norm(x) ** 2))(X)(np.zeros(3))


def test_shapes_that_depend_on_numbers_are_guarded() -> None:
    program = record(lambda x: np.sum(np.exp(x[x > 1.5])))(X)
    assert program(X + 0.25) == np.sum(np.exp((X + 0.25)[1:]))
    with pytest.raises(ProgramError, match=r"gave float64\[2\] when it was recorded, and gives float64\[3\]"):
        program(X + 1)


def test_shapes_dtypes_structures_and_static_arguments_are_checked() -> None:
    program = record(lambda p, n: p["w"] ** n)({"w": X}, 2)
    assert np.array_equal(program({"w": Y}, 2), Y**2)
    for args, message in (
        (({"w": X[:2]}, 2), r"p\['w'\] as float64\[3\]; it is float64\[2\] here"),
        (({"w": X.astype(np.float32)}, 2), r"it is float32\[3\] here"),
        (({"v": X}, 2), r"the leaves argument 0\['w'\], argument 1; it is called with the leaves argument 0\['v'\]"),
        (({"w": X}, 3), "static argument 2; it is 3 here"),
        (({"w": None}, 2), "the leaves|it is None here"),
    ):
        with pytest.raises(ProgramError, match=message):
            program(*args)


def test_python_floats_stay_weak() -> None:
    program = record(lambda s, x: s * x)(2.0, X.astype(np.float32))
    assert program(np.float64(3.0), X.astype(np.float32)).dtype == np.float32


def test_constants_are_what_they_were() -> None:
    data = np.array([1.0, 2.0, 3.0])

    def f(x: Any) -> Any:
        y = x * data
        data[0] = 10.0
        return y + data * x

    program = record(f)(X)
    data[:] = -1
    assert np.array_equal(program(Y), Y * [1, 2, 3] + Y * [10, 2, 3])
    assert [list(c) for c in program.constants] == [[1, 2, 3], [10, 2, 3]]


def test_the_same_array_is_one_constant() -> None:
    data = np.linspace(0, 1, 1000)
    program = record(lambda x: np.sum(x * data) + np.sum(np.sin(x * data)))(2.0)
    assert len(program.constants) == 1
    assert Data(0) in program.rows[1].operands


def test_results_share_no_memory() -> None:
    program = record(lambda x: (x, x[:2], np.zeros(3)))(X)
    first = program(Y)
    for x in first:
        x[...] = 7
    second = program(Y)
    assert np.array_equal(second[0], Y)
    assert np.array_equal(second[2], np.zeros(3))
    assert Y[0] == 0.5


def test_what_is_not_seen_is_seen_by_recording_twice() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ProgramError, match=r"did something else .*the constant c0 of multiply \(test_record.py:\d+\)"):
        record(lambda x: x * rng.normal(size=3), twice=True)(X)
    assert record(lambda x: x * np.ones(3), twice=True)(X)(Y)[0] == 0.5
    calls: list[int] = []

    def alternating(x: Any) -> Any:
        calls.append(1)
        return np.sin(x) if len(calls) % 2 else x

    with pytest.raises(ProgramError, match="2 rows and 1"):
        record(alternating, twice=True)(X)


def test_programs_are_differentiated() -> None:
    program = record(lambda x: np.sum(np.sin(x) * x[0]))(X)
    check_grads(program, (Y,))
    assert np.allclose(vmap(program)(np.stack([X, Y])), [program(X), program(Y)])
    assert np.allclose(hessian(program)(Y), hessian(lambda x: np.sum(np.sin(x) * x[0]))(Y))


def test_custom_rules_and_stopped_values_are_recorded() -> None:
    @custom_vjp
    def f(x: Any) -> Any:
        return x**2

    f.defvjp(lambda x: (x**2, x), lambda x, ct: (3 * x * ct,))
    program = record(grad(lambda x: np.sum(f(x) * stop_gradient(x))))(X)
    assert np.allclose(program(Y), 3 * Y * Y)


def test_record_is_for_the_outside() -> None:
    with pytest.raises(TypeError, match=r"Record outside of it, record\(grad\(f\)\)"):
        grad(lambda x: record(np.sin)(x)(x))(1.0)
    with pytest.raises(TypeError, match="record takes a function"):
        record(3.0)  # type: ignore[arg-type]
    kept: list[Any] = []

    def leaking(x: Any) -> Any:
        kept.append(x)
        return x * 1

    record(leaking)(X)
    with pytest.raises(RuntimeError, match="the recording of a program"):
        np.sin(kept[0])


def test_floating_point_warnings_are_those_of_the_recording() -> None:
    def quiet(x: Any) -> Any:
        with np.errstate(divide="ignore"):
            return 1 / x

    program = record(quiet)(X)
    assert np.isinf(program(np.zeros(3))).all()
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        record(lambda x: 1 / x)(X)(np.zeros(3))


def test_a_program_prints_as_a_listing() -> None:
    program = record(lambda x, w: np.sum(x * w) if x[0] > 0 else x[0])(X, w=2.0)
    lines = str(program).splitlines()
    assert lines[0] == "program of <lambda>"
    assert lines[1].split("  ")[1] == "%0 = input x: float64[3]"
    assert "input w: float64" in lines[2]
    assert any(line.strip().startswith("guard bool(%3) is True") and "test_record.py:" in line for line in lines)
    assert any("= multiply(%0, %1): float64[3]" in line for line in lines)
    assert lines[-1] == f"returns %{len(program.rows) - 1}"
    assert "6 rows, 1 guards, 0 constants" in repr(program)


def test_a_program_is_drawn() -> None:
    program = record(lambda x: np.sum(np.where(x > 0, np.log(x), False)))(X)
    picture = xml.dom.minidom.parseString(program.to_svg())
    assert len(picture.getElementsByTagName("rect")) == len(program.rows)
    assert program.to_dot().count(" -> ") == len(picture.getElementsByTagName("path"))
    with pytest.raises(ValueError, match="to_dot"):
        record(lambda x: sum(np.sin(x) for _ in range(200)))(X).to_svg()


def test_a_program_counts_what_was_done_once() -> None:
    program: Program = record(lambda x: np.exp(np.sin(x)))(X)
    assert [row.name for row in program.rows] == ["input", "sin", "exp"]
    assert [row.name for row in record(grad(lambda x: np.sin(x)))(0.5).rows] == ["input", "sin", "cos", "multiply"]


@pytest.mark.parametrize(
    ("f", "faster"), [(np.tanh, "tanh_slope"), (np.prod, "product_of_others"), (np.cumprod, "cumprod_pulled")]
)
def test_the_faster_way_of_a_rule_is_one_row_and_nests(f: Any, faster: str) -> None:
    def loss(x: Any) -> Any:
        return np.sum(f(x))

    names = [row.name for row in record(grad(loss))(X / 3).rows]
    assert names.count(faster) == 1
    assert np.allclose(record(grad(loss))(X / 3)(Y), grad(loss)(Y), rtol=1e-13)
    assert np.allclose(record(hessian(loss))(X / 3)(Y), hessian(loss)(Y), rtol=1e-13)


@pytest.mark.usefixtures("own_functions")
def test_what_says_how_it_is_computed_is_lowered_into_its_steps() -> None:
    @extend.overridable
    def softplus(x: Any) -> Any:
        return np.logaddexp(0.0, x)

    def steps(x: Any) -> Any:
        return np.log(1 + np.exp(x)) if x[0] < 10 else x

    extend.elementwise(
        softplus,
        lambda t, x: t / (1 + np.exp(-x)),
        says=(extend.LOWER(steps),),
        samples=extend.cases(extend.case(extend.A(3))),
    )
    whole, lowered = record(softplus)(X), record(softplus, lower=True)(X)
    assert [row.name for row in whole.rows] == ["input", "softplus"]
    assert [row.name for row in lowered.rows[3:]] == ["exp", "add", "log"]
    assert np.allclose(lowered(Y), softplus(Y))
    assert np.allclose(record(grad(lambda x: np.sum(softplus(x))), lower=True)(X)(Y), 1 / (1 + np.exp(-Y)))
    with pytest.raises(ProgramError):
        lowered(X + 10)


@pytest.mark.parametrize("transform", [lambda f: f, grad, hessian])
def test_the_pieces_of_piecewise_are_guarded(transform: Any) -> None:
    f: Any = transform(lambda x: np.sum(piecewise(x, [x < 1.5, x > 2.5], [np.square, lambda v: v**3, 7.0])))
    program = record(f)(X)

    np.testing.assert_allclose(program(X + 0.1), f(X + 0.1))
    with pytest.raises(ProgramError, match="does not hold here"):
        program(X + 0.7)


def test_the_slope_of_tanh_is_lowered() -> None:
    names = [row.name for row in record(grad(np.tanh), lower=True)(0.5).rows]
    assert "tanh_slope" not in names
    assert "sech2" not in names
    assert names.count("exp") == 1
    assert np.allclose(record(grad(np.tanh), lower=True)(0.5)(2.5), grad(np.tanh)(2.5), rtol=1e-14)


def test_a_program_is_pickled() -> None:
    for f in (grad(branch), hessian(lambda x: np.sum(np.tanh(x) * x[::-1])), vmap(writing_of_one)):
        program = record(f)(X)
        again = pickle.loads(pickle.dumps(program))
        assert np.array_equal(again(2 * X), program(2 * X))
        assert str(again) == str(program)


def writing_of_one(x: Any) -> Any:
    return np.where(x > 0, x**2, 0)


def test_a_program_of_a_transformed_function_says_so() -> None:
    program = record(grad(branch))(X)
    assert str(program).startswith(f"program of grad of {branch.__module__}.branch by x")


def test_another_structure_is_described() -> None:
    program = record(lambda x, n: x * n)(X, n=2)
    with pytest.raises(
        ProgramError, match=r"leaves argument 0, n; it is called with the leaves argument 0, argument 1"
    ):
        program(X, 2)


def test_rows_and_guards_print_as_lines_of_the_listing() -> None:
    program = record(lambda x: np.exp(x[np.array([0, 1])] + 0.0) if x[0] > 0 else x)(X)
    assert "%3 = getitem(%0, c0, index=(array 0,)): float64[2]" in map(repr, program.rows)
    assert "%4 = add(%3, 0.0): float64[2]" in map(repr, program.rows)
    assert [repr(g) for g in program.guards] == ["guard bool(%2) is True"]
