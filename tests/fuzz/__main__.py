"""`python -m tests.fuzz --minutes 20`: random programs until time is up; `--peer jax` compares with JAX too."""

from __future__ import annotations

import argparse
import importlib
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from dualgrad import jacfwd
from tests.fuzz.compare import check
from tests.fuzz.programs import NUMPY, Namespace, Program, programs


def jax_namespace() -> Any:
    """Return JAX's functions under NumPy's names, in double precision."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return Namespace(jax.numpy, jax)


PEERS: dict[str, Callable[[], Any]] = {"jax": jax_namespace}


def agrees_with(peer: Any, program: Program) -> None:
    """Compare the Jacobian with a peer's, where the peer's is finite."""
    with np.errstate(all="ignore"):
        ours = np.asarray(jacfwd(program.on(NUMPY))(program.x))
    theirs = np.asarray(peer.jacrev(program.on(peer))(peer.asarray(program.x)))
    scale = 1e-8 if program.x.dtype == np.float64 else 3e-3
    size = max(1.0, float(np.max(np.abs(ours), initial=0)))
    finite = np.isfinite(theirs)
    np.testing.assert_allclose(np.where(finite, ours, 0), np.where(finite, theirs, 0), rtol=0, atol=scale * size)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--peer", choices=sorted(PEERS))
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    peer = PEERS[chosen.peer]() if chosen.peer else None
    end = time.monotonic() + 60 * chosen.minutes
    found: dict[str, str] = {}
    tried, number = 0, chosen.seed

    def run(program: Program) -> None:
        nonlocal tried
        tried += 1
        if peer is None:
            check(program)
        else:
            agrees_with(peer, program)

    while time.monotonic() < end:
        phases = [Phase.generate, Phase.shrink]
        options = settings(
            max_examples=100, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck)
        )
        try:
            options(seed(number)(given(programs())(run)))()
        except Exception as error:
            where = "".join(traceback.format_exception_only(error)) + "".join(
                traceback.format_tb(error.__traceback__)[-2:]
            )
            if found.setdefault(where[:200], where) is where:
                print(f"--- seed {number}\n{where}\n{getattr(error, '__notes__', '')}", flush=True)
        number += 1
    print(f"{tried} programs, seeds {chosen.seed} to {number - 1}: {len(found)} findings")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
