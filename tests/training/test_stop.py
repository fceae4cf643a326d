import os
import signal
import threading

import pytest

from unalter.training.stop import StopRequest

ALL = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name)]


@pytest.mark.parametrize("number", ALL)
def test_a_signal_is_a_wish_and_handlers_are_put_back(number):
    before = [signal.getsignal(one) for one in ALL]
    with StopRequest() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested and stop.signal == number
    assert [signal.getsignal(one) for one in ALL] == before


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda number, frame: None])
def test_what_is_ignored_and_the_callers_own_handlers_stay(handler):
    """`nohup`; a library that submits jobs and has its own way with SIGUSR1."""
    before = signal.signal(signal.SIGHUP, handler)
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.requested
            assert signal.getsignal(signal.SIGHUP) == handler
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_system_without_them_has_the_others(monkeypatch):
    monkeypatch.delattr(signal, "SIGHUP")
    monkeypatch.delattr(signal, "SIGUSR1")
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested


def test_outside_the_main_thread_signals_keep_their_meaning():
    before = [signal.getsignal(one) for one in ALL]
    seen = []

    def work():
        with StopRequest():
            seen.extend(signal.getsignal(one) for one in ALL)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == before
