"""Freed memory is kept: a training step asks for the same megabytes again and again.

The C library gives large freed blocks back to the system, which clears each page anew when it is asked for it the next
time. At a few hundred units a layer that takes as long as a third of the step.
"""

import ctypes
from contextlib import suppress
from functools import cache

TRIM, MMAP = -1, -3  # mallopt's numbers for what is given back: free memory at the end, and blocks as large as this
LARGEST = 32 << 20  # bytes; glibc allows no more
KEPT = 1 << 30


@cache
def keep_freed_memory() -> None:
    """Tell glibc, once, to keep up to a GiB of what is freed in this process; elsewhere do nothing."""
    with suppress(OSError, AttributeError, TypeError):  # no such library, or no such function
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP, LARGEST)
        mallopt(TRIM, KEPT)
