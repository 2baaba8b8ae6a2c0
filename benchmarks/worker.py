"""A process of its own for each system, so that thread pools, allocators and garbage collectors do not disturb each other."""

from __future__ import annotations

import gc
import multiprocessing
import os
import timeit
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks.memory import Memory, measure
from benchmarks.problems import PROBLEMS
from benchmarks.systems import SYSTEMS, System


class Prepared(NamedTuple):
    """A system's answer to a problem, the seconds of its first call (with compilation, if any) and of its second."""

    answer: tuple[np.ndarray[Any, Any], ...]
    first: float
    second: float


class Timing(NamedTuple):
    """Seconds for one call, by the clock and of the processor."""

    wall: float
    cpu: float


class Worker:
    """The near end of a process in which one system works; it does nothing but what it is asked, and only then."""

    def __init__(self, system: str, threads: int) -> None:
        self.system = system
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far, system, threads), daemon=True)
        os.environ.update(_environment(threads))
        self._process.start()
        far.close()

    def version(self) -> str:
        return str(self._ask("version"))

    def prepare(self, problem: str) -> Prepared | None:
        """Return the first results, or None where the system does not take part."""
        answer: Prepared | None = self._ask("prepare", problem)
        return answer

    def time(self, number: int) -> Timing:
        answer: Timing = self._ask("time", number)
        return answer

    def memory(self) -> Memory:
        answer: Memory = self._ask("memory")
        return answer

    def stop(self) -> None:
        self._pipe.close()
        self._process.join()

    def _ask(self, *request: Any) -> Any:
        self._pipe.send(request)
        failure, answer = self._pipe.recv()
        if failure:
            raise RuntimeError(failure)
        return answer


def _environment(threads: int) -> dict[str, str]:
    """Return what has to be set before the libraries are loaded for them to use so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    # XLA makes its pool as large as NPROC says.
    flags = {"NPROC": str(threads), "JAX_PLATFORMS": "cpu"}
    if threads == 1:
        flags["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return dict.fromkeys(names, str(threads)) | flags


def _serve(pipe: Connection, name: str, threads: int) -> None:
    state = _State(SYSTEMS[name](threads))
    commands: dict[str, Callable[..., Any]] = {
        "version": state.system.version,
        "prepare": state.prepare,
        "time": state.time,
        "memory": state.memory,
    }
    while True:
        try:
            command, *arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            message = "", commands[command](*arguments)
        except Exception as error:
            message = f"{type(error).__name__}: {error}", None
        pipe.send(message)


class _State:
    """The far end: a system and the call that is being timed."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.call: Callable[[], Any] | None = None

    def prepare(self, name: str) -> Prepared | None:
        (problem,) = [problem for problem in PROBLEMS if problem.name == name]
        self.call = None
        self.call = self.system.prepare(problem, *problem.instance())
        if self.call is None:
            return None
        start = perf_counter()
        answer = self.call()
        first = perf_counter() - start
        arrays = self.system.arrays(answer)
        start = perf_counter()
        self.call()
        return Prepared(arrays, first, perf_counter() - start)

    def time(self, number: int) -> Timing:
        if self.call is None:
            raise RuntimeError("nothing is prepared")
        # timeit switches garbage collection off; users have it on, and making tapes costs it.
        timer = timeit.Timer(self.call, setup=gc.enable)
        cpu = process_time()
        wall = timer.timeit(number)
        return Timing(wall / number, (process_time() - cpu) / number)

    def memory(self) -> Memory:
        if self.call is None:
            raise RuntimeError("nothing is prepared")
        return measure(self.call, self.system.traced)
