"""Contestants in turns: each in a process of its own, one round each and again, so that noise meets all alike."""
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .workloads import Workload

OURS = "numpygan"
PEERS = {"PyTorch eager": "torch", "PyTorch tuned": "torch", "torch.compile": "torch", "JAX jit": "jax"}
PAUSE = 0.3                     # seconds between turns: threads that wait by spinning, as OpenBLAS's, fall asleep
WITH_FAMILY = (OURS, f"{OURS} (numpy)", "PyTorch tuned", "JAX jit")       # those that have more than the plain step
SCALING = (OURS, "PyTorch tuned", "JAX jit", "floor")       # those whose growth with the size is measured


class Failed(RuntimeError):
    """A contestant that ended instead of answering, with the last line of what it said."""


class Contestant:
    """A process that trains when it is asked to; see `numpygan.bench.worker`."""

    def __init__(self, who: str, threads: int, **environment: str):
        names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
        limits = {f"{name}_NUM_THREADS": str(threads) for name in names}
        self.who, self.start = who, time.perf_counter()
        self.errors = tempfile.TemporaryFile("w+")                 # noqa: SIM115  closed by `close`
        self.process = subprocess.Popen([sys.executable, "-m", "numpygan.bench.worker", who], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        env=os.environ | limits | environment)
        if hasattr(os, "sched_setaffinity"):                # some libraries count the CPUs themselves
            os.sched_setaffinity(self.process.pid, sorted(os.sched_getaffinity(0))[:threads])

    def ask(self, **command: Any) -> dict[str, Any]:
        """The answer to a command; Failed where the process has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(command), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            said = [text for text in self.errors.read().splitlines() if text.strip()] or ["it said nothing"]
            raise Failed(f"{self.who} has failed: {said[-1].strip()}")
        return json.loads(line)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed() -> list[str]:
    """The peers that can be imported here."""
    return [who for who, library in PEERS.items() if importlib.util.find_spec(library)]


@contextlib.contextmanager
def contestants(names: Iterable[str], threads: int) -> Iterator[list[Contestant]]:
    """A process for each name; all of them end with the context."""
    started = [Contestant(who, threads) for who in names]
    try:
        yield started
    finally:
        for contestant in started:
            contestant.close()


def race(w: Workload, rivals: Sequence[Contestant], rounds: int, failures: dict[str, str]) -> dict[str, Any]:
    """{"ms": {contestant: milliseconds per iteration in each round}, "peak": {contestant: MB}}, in turns.

    One that fails is told in `failures` and left out.
    """
    times: dict[str, list[float]] = {}
    peaks: dict[str, float] = {}
    for turn in range(-1, rounds):                          # the first is not counted: it compiles and warms up
        for rival in rivals:
            if rival.who in failures or (w.variant and rival.who not in WITH_FAMILY):
                continue
            try:
                if turn < 0:
                    rival.ask(build=w)
                answer = rival.ask(run=w.iterations)
            except Failed as error:
                failures[rival.who] = str(error)
                times.pop(rival.who, None)
                continue
            time.sleep(PAUSE)
            if turn >= 0:
                times.setdefault(rival.who, []).append(1e3 * answer["seconds"] / w.iterations)
                if answer["peak"] is not None:
                    peaks[rival.who] = answer["peak"]
    return {"ms": times, "peak": peaks}


def starts(w: Workload, names: Iterable[str], threads: int) -> dict[str, dict[str, float]]:
    """{contestant: {"first step": seconds}}, from nothing to the end of the first iteration; of ours "cold" too.

    Cold: with no kernel compiled before, as after an installation.
    """
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as nothing:
        for who, name, environment in [(OURS, "cold", {"NUMBA_CACHE_DIR": nothing})] + [
                (who, "first step", {}) for who in names if who != "torch.compile"]:
            contestant = Contestant(who, threads, **environment)
            try:
                contestant.ask(build=w)
                found.setdefault(who, {})[name] = time.perf_counter() - contestant.start
            except Failed:
                pass                                        # told in the race
            finally:
                contestant.close()
    return found


def imports(libraries: Iterable[str]) -> dict[str, float]:
    """{library: seconds}: how long its import takes in a fresh interpreter, the median of three."""
    def once(library):
        code = f"import time; s = time.perf_counter(); import {library}; print(time.perf_counter() - s)"
        return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                                    check=True).stdout.split()[-1])
    return {library: float(np.median([once(library) for _ in range(3)])) for library in libraries}


def ratio(result: Mapping[str, Any], who: str, other: str) -> float:
    """How many times as long `who` took as `other`: the median over the rounds."""
    return float(np.median(np.divide(result["ms"][who], result["ms"][other])))
