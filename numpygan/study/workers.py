"""Cells carried out in parallel processes by joblib, or one after the other where it is missing."""
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from .cells import Cell, Measure, Result, carry_out

ALONE = ("numpygan: joblib is not installed, so one process does all of it: pip install 'numpygan[study]' "
         "puts every core to work")


def results(measure: Measure, cells: Sequence[Cell], jobs: int | None = None
            ) -> Iterator[tuple[Cell, Result | None, str]]:
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
        yield from parallel(joblib.delayed(carry_out)(measure, cell) for cell in cells)
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
