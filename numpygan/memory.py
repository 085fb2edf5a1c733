"""What a step frees stays with the process, for the next step: the system need not clear it page by page again."""
import contextlib
import ctypes
import functools

# GNU's names for two limits of malloc, and what they are set to. By default every array above 128 kB is given back to
# the system when it is freed, and the next one of its kind is a thousand page faults: half the time of a step.
LIMITS = {"M_MMAP_THRESHOLD": (-3, 32 * 2**20),         # larger arrays are still borrowed and given back one by one
          "M_TRIM_THRESHOLD": (-1, 256 * 2**20)}        # so much may be free before any of it is given back


@functools.cache
def keep() -> bool:
    """Set the limits for this process, once; False where the C library is not GNU's."""
    with contextlib.suppress(AttributeError, OSError, TypeError):           # TypeError: Windows has no CDLL(None)
        mallopt = ctypes.CDLL(None).mallopt
        return all([mallopt(name, value) == 1 for name, value in LIMITS.values()])
    return False
