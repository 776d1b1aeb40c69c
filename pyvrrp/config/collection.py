"""Reading without the cyclic garbage collector.

A big configuration is hundreds of thousands of small objects, all of which are kept: collections while it grows look
at all of them again and again, find nothing, and take as long as the reading itself.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """The collector is off inside; afterwards it is on again if it was."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
