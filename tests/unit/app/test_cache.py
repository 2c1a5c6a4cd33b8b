from __future__ import annotations

import threading

import pytest

from app.cache import ReadCache


def test_the_value_used_longest_ago_makes_room():
    cache, reads = ReadCache(2), []

    def read(key):
        return lambda: reads.append(key) or key

    for key in "abacab":  # after "aba", "c" pushes out "b"
        assert cache.get(key, read(key)) == key

    assert reads == ["a", "b", "c", "b"]


def test_reading_one_value_does_not_hold_up_another():
    cache, begun, go_on = ReadCache(2), threading.Event(), threading.Event()

    def slow():
        begun.set()
        assert go_on.wait(10)
        return "slow"

    thread = threading.Thread(target=cache.get, args=("slow", slow))
    thread.start()
    begun.wait(10)
    assert cache.get("fast", lambda: "fast") == "fast"
    go_on.set()
    thread.join()
    assert cache.get("slow", lambda: pytest.fail("was read")) == "slow"


def test_a_failed_read_is_not_remembered():
    cache = ReadCache(2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)

    assert cache.get("a", lambda: "read") == "read"
