"""The last few values read from disk, shared by all threads of a process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class ReadCache:
    """Keep the ``size`` values used last; of threads that ask for a new one, one reads it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._reading: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return the value of ``key``, calling ``read`` when it is not at hand."""
        with self._lock:
            mine = self._reading.setdefault(key, threading.Lock())
        with mine:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    known: T = self._values[key]
                    return known
            value = read()
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._size:
                    oldest, _ = self._values.popitem(last=False)
                    self._reading.pop(oldest, None)
        return value
