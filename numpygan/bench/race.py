"""Time contestants in turns, so that a noisy machine is noisy for all of them, and print medians and ratios."""
import os
import time
from collections.abc import Callable, Iterable

import numpy as np

from .floor import floor
from .peers import installed
from .workloads import WORKLOADS, megaflops, ours

OURS = "numpygan"


def contestants(name: str) -> dict[str, Callable[[int], object]]:
    """{name: function that makes n iterations} of everything that can run here, ours first, each warmed up."""
    w = WORKLOADS[name]
    made = {OURS: ours(w, "numba"), f"{OURS} (numpy)": ours(w, "numpy")}
    made |= {peer: make(w) for peer, make in installed().items()}
    made["floor"] = floor(w)
    for run in made.values():
        run(3)
    return made


def race(name: str, rounds: int = 9) -> dict[str, np.ndarray]:
    """{contestant: milliseconds per iteration in each round}, everyone in turn in every round."""
    runners, n = contestants(name), WORKLOADS[name].iterations
    times: dict[str, list[float]] = {who: [] for who in runners}
    for _ in range(rounds):
        for who, run in runners.items():
            start = time.perf_counter()
            run(n)
            times[who].append((time.perf_counter() - start) / n * 1e3)
    return {who: np.array(t) for who, t in times.items()}


def set_threads(threads: int) -> None:
    """The same number of threads for every library; for ours and JAX it must be set before they start."""
    try:
        import torch
        torch.set_num_threads(threads)
    except ImportError:
        pass


def main(names: Iterable[str], rounds: int = 9) -> int:
    """Print, for each workload, the table of `race`: medians, the range, and the time as a multiple of ours."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    set_threads(threads)
    for name in names:
        w = WORKLOADS[name]
        print(f"\n{name}: {w.z}-{'-'.join(map(str, w.hidden))}-{w.x}, batch {w.batch}, {megaflops(w):,.0f} MFLOP, "
              f"{threads} threads, {rounds} rounds of {w.iterations} iterations")
        times = race(name, rounds)
        mine = times[OURS]
        for who, t in times.items():
            print(f"  {who:<18} {np.median(t):9.3f} ms  [{t.min():.3f}, {t.max():.3f}]   "
                  f"{np.median(t / mine):6.2f} x")
    return 0
