"""Cells carried out in parallel processes by joblib, or one after the other where it is missing."""
import functools
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from .cells import Carried, Cell, Measure, carry_out

ALONE = ("numpygan: joblib is not installed, so one process does all of it: pip install 'numpygan[study]' "
         "puts every core to work")


def results(measure: Measure, cells: Sequence[Cell], jobs: int | None) -> Iterator[Carried]:
    """`carry_out` of each cell, in the order in which they end; at most `jobs` at once (None: one for each core).

    Inside `joblib.parallel_config(backend="dask")` they run on the cluster of the current Dask client.
    ChildProcessError when a worker is killed.
    """
    joblib = None if jobs == 1 or not cells else _joblib()
    if joblib is None:
        yield from (carry_out(measure, cell) for cell in cells)
        return
    jobs = -1 if jobs is None else jobs
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")
    try:
        yield from parallel(joblib.delayed(_in_worker)(measure, cell) for cell in cells)
    except BrokenProcessPool as error:
        raise ChildProcessError("a worker process was killed, perhaps for want of memory: what was measured before is "
                                "kept; start again with fewer --jobs") from error


def _joblib() -> Any:
    try:
        import joblib
        return joblib
    except ImportError:
        print(ALONE, file=sys.stderr)
        return None


def _in_worker(measure: Measure, cell: Cell) -> Carried:
    _end_with_parent()
    return carry_out(measure, cell)


@functools.cache
def _end_with_parent() -> None:
    """A worker ends soon after the process that made it, however that ended: killed, it could tell nobody."""
    if multiprocessing.parent_process() is None:         # no worker: a thread of Dask's, for instance
        return
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()
