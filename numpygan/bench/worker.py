"""One contestant in a process of its own: it builds the networks it is told, and trains them when it is its turn.

A line of JSON in, a line of JSON out: {"build": [workload]} makes networks and one iteration; {"run": n} makes n and
answers how long they took. Every answer tells the most memory the process has held.
"""
import functools
import json
import os
import sys
import time
from collections.abc import Callable

try:
    import resource
except ImportError:                                  # Windows
    resource = None                                  # type: ignore[assignment]

from . import family, peers
from .floor import floor
from .workloads import Steps, Workload, ours

CONTESTANTS: dict[str, Callable[[Workload], Steps]] = {
    "numpygan": functools.partial(ours, engine="numba"),
    "numpygan (numpy)": functools.partial(ours, engine="numpy"),
    "PyTorch eager": peers.torch_eager,
    "PyTorch tuned": peers.torch_tuned,
    "torch.compile": functools.partial(peers.torch_tuned, compiled=True),
    "JAX jit": peers.jax_jit,
    "floor": floor,
}
WITH_FAMILY = CONTESTANTS | {"PyTorch tuned": family.torch_tuned, "JAX jit": family.jax_jit}


def peak() -> float | None:
    """The most memory that this process has held, in MB; None where the system does not say."""
    if resource is None:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def main(who: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)                               # what libraries print does not belong among the answers
    steps = None
    for line in sys.stdin:
        command, start = json.loads(line), time.perf_counter()
        if "build" in command:
            w = Workload(*command["build"])
            steps = (WITH_FAMILY if w.variant else CONTESTANTS)[who](w._replace(hidden=tuple(w.hidden)))
            steps(1)
        else:
            assert steps is not None
            steps(command["run"])
        print(json.dumps({"seconds": time.perf_counter() - start, "peak": peak()}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
