"""How long a call may take: one that hangs is stopped, one that waits for the processor is not accused."""

import time

import pytest

from nfedu.checks.subject import guard
from nfedu.checks.subject.guard import Trouble, guarded


def slowed(halves):
    """Work for 30 ms of each half second, as where fifteen others want the same processor."""
    for _ in range(halves):
        end = time.process_time() + 0.03
        while time.process_time() < end:
            pass
        time.sleep(0.45)
    return "done"


def test_who_waits_for_the_processor_is_not_accused(monkeypatch):
    monkeypatch.setattr(guard, "PATIENCE", 2)
    assert guarded(slowed, 5, seconds=0.4) == "done"


@pytest.mark.parametrize("hang", [lambda: time.sleep(20), lambda: slowed(40)], ids=["sleeps", "works on"])
def test_who_hangs_is(monkeypatch, hang):
    monkeypatch.setattr(guard, "PATIENCE", 2)
    start = time.perf_counter()
    with pytest.raises(Trouble, match=r"took longer than 0.4 s"):
        guarded(hang, seconds=0.4)
    assert time.perf_counter() - start < 15
