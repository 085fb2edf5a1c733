"""How many threads there are: BLAS gets one unless products are large; a worker among workers has one in all."""
import functools
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from threadpoolctl import ThreadpoolController, threadpool_limits

from .network import Network

_lock = threading.Lock()
_limits: list[Any] = []         # of all trainings under way in this process, and how many those are
_users = 0
if hasattr(os, "register_at_fork"):         # the child has no other thread that could release it
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)

LARGE = 64e6        # multiplications and additions in one product, from which a second thread is worth its wait


@functools.lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """The libraries with threads of their own, looked for again only when the number of imported modules changes.

    The search takes longer than five iterations of a small network.
    """
    return ThreadpoolController()


def blas_threads(batch: int, *networks: Network) -> AbstractContextManager:
    """A context in which BLAS uses one thread if no product of `networks` on 2·batch rows is large.

    The threads of OpenBLAS wait for each other by spinning. For a product that takes microseconds that gains little
    on an idle machine, and on a busy one, where a thread can be away for milliseconds, a step becomes ten times slower.
    """
    widest = max((W.size for net in networks for W in net.params().values() if W.ndim == 2), default=0)
    return one_blas_thread() if 4 * batch * widest < LARGE else nullcontext()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS uses one thread until the last of all contexts that overlap has ended.

    The setting is that of the process. Of two trainings in two threads the one that ends first must not take it from
    the other, and the one that ends last must leave what there was before the first.
    """
    global _users
    with _lock:
        _users += 1
        _limits.append(_libraries(len(sys.modules)).limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                while _limits:                  # the last one first: it found what the others had set
                    _limits.pop().restore_original_limits()


@contextmanager
def one_thread(engine: str) -> Iterator[None]:
    """For a process that shares the machine with its like: BLAS, and the team of the kernels, keep to one thread."""
    with threadpool_limits(1):
        if engine != "numba":
            yield
            return
        from .kernels import team
        with team.limited(1):
            yield
