"""When a checker runs and what its results mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyvrrp.core.lvs.checking import Checking, identity
from pyvrrp.model.checkers import ConnectOptions, DnsCheck, SmtpCheck, UdpCheck
from pyvrrp.units import SECOND
from tests.unit.lvs.samples import RS1, RS2, TIMING, tcp_check

NAME = "[10.0.0.1]:tcp:80"


def checking(up: bool = True, checked: bool = True, **timing: Any) -> Checking:
    return Checking(1, tcp_check(RS1, **timing), up, checked=checked)


def texts(machine: Checking, at: int, error: str | None) -> list[str]:
    return [log.text for log in machine.finished(at, error, NAME)]


def test_the_first_check_comes_a_second_and_a_drawn_part_of_the_warmup_after_the_start() -> None:
    machine = checking()
    machine.begin(10 * SECOND, lambda longest: longest // 4)
    assert machine.due == 12 * SECOND


def test_one_failure_is_enough_on_the_first_run() -> None:
    machine = checking(checked=False)
    assert texts(machine, 5 * SECOND, "refused") == [f"TCP connection to {NAME} failed. Reason: refused"]
    assert (machine.up, machine.due) == (False, 11 * SECOND)


def test_a_server_is_down_after_retry_plus_one_failures_in_a_row() -> None:
    machine = checking()
    for attempt in range(1, 4):
        assert texts(machine, attempt * SECOND, "refused") == []
        assert (machine.up, machine.due) == (True, attempt * SECOND + 2 * SECOND)
    assert texts(machine, 9 * SECOND, "refused") == [
        f"TCP connection to {NAME} failed after 3 retries. Reason: refused"
    ]
    assert (machine.up, machine.due) == (False, 15 * SECOND)


def test_a_success_in_between_starts_the_count_anew() -> None:
    machine = checking(retry=1)
    for at, error in enumerate(["refused", None, "refused", None]):
        texts(machine, at, error)
        assert machine.up
    texts(machine, 5, "refused")
    texts(machine, 6, "refused")
    assert not machine.up


def test_without_retries_one_failure_is_enough_and_none_are_counted() -> None:
    assert texts(checking(retry=0), 0, "refused") == [f"TCP connection to {NAME} failed. Reason: refused"]


def test_one_success_brings_it_up_again() -> None:
    machine = checking(up=False)
    assert texts(machine, SECOND, None) == [f"TCP connection to {NAME} success."]
    assert (machine.up, machine.due, machine.last_error) == (True, 7 * SECOND, None)


def test_while_down_it_is_asked_every_delay_loop_and_says_nothing() -> None:
    machine = checking(up=False)
    assert texts(machine, SECOND, "refused") == []
    assert (machine.up, machine.due) == (False, 7 * SECOND)


def test_success_of_one_that_is_up_is_no_news() -> None:
    assert texts(checking(checked=False), SECOND, None) == []


def test_an_alpha_checker_that_fails_its_first_run_says_so() -> None:
    machine = checking(up=False, checked=False, alpha=True)
    assert texts(machine, SECOND, "refused") == [f"TCP connection to {NAME} failed. Reason: refused"]


def test_log_all_failures_tells_each_forgiven_one() -> None:
    machine = checking(log_all_failures=True)
    assert texts(machine, SECOND, "refused") == [f"TCP connection to {NAME} failed. Reason: refused"]
    assert machine.up


def test_a_check_that_cannot_be_made_says_nothing_of_the_server_and_is_told_once() -> None:
    machine = checking(checked=False)
    (log,) = machine.not_started(SECOND, "cannot bind to 10.9.9.9:0", NAME)
    assert log.text == f"TCP connection to {NAME} cannot be checked: cannot bind to 10.9.9.9:0"
    assert machine.not_started(7 * SECOND, "cannot bind to 10.9.9.9:0", NAME) == []
    assert (machine.up, machine.checked, machine.due) == (True, False, 13 * SECOND)


def test_a_reload_caps_the_failures_counted() -> None:
    machine = checking()
    for at in range(3):
        texts(machine, at, "refused")
    machine.reconfigure(tcp_check(RS1, retry=1), SECOND, lambda longest: 0)
    assert machine.failures == 1
    texts(machine, 2 * SECOND, "refused")
    assert not machine.up


def test_a_reload_leaves_what_is_due_unless_it_would_never_be_so_late() -> None:
    machine = checking()
    machine.due = 5 * SECOND
    machine.reconfigure(tcp_check(RS1), SECOND, lambda longest: 0)
    assert machine.due == 5 * SECOND
    machine.reconfigure(tcp_check(RS1, delay_loop=SECOND, warmup=0), SECOND, lambda longest: longest // 2)
    assert machine.due == SECOND + SECOND // 2


def test_identity_is_what_is_asked_not_when() -> None:
    assert identity(tcp_check(RS1)) == identity(tcp_check(RS1, delay_loop=SECOND, retry=9))
    assert identity(tcp_check(RS1)) != identity(tcp_check(RS2))
    slower = replace(tcp_check(RS1), connect=ConnectOptions(target=RS1, connect_timeout=9 * SECOND))
    assert identity(tcp_check(RS1)) != identity(slower)
    assert identity(tcp_check(RS1)) != identity(UdpCheck(timing=TIMING, connect=ConnectOptions(target=RS1)))


def test_a_mail_server_is_retried_at_the_first_run_too_and_while_down() -> None:
    check = SmtpCheck(timing=replace(TIMING, retry=1), connect=ConnectOptions(target=RS1))
    machine = Checking(1, check, True)
    for at, up, due in ((0, True, 2), (2, False, 8), (8, False, 10), (10, False, 16)):
        machine.finished(at * SECOND, "refused", NAME)
        assert (machine.up, machine.due) == (up, due * SECOND)
    assert texts(machine, 16 * SECOND, None) == [f"Remote SMTP server {NAME} succeed on service."]


def test_what_they_ask_makes_name_and_mail_checks_the_same() -> None:
    options = ConnectOptions(target=RS1)
    assert identity(DnsCheck(timing=TIMING, connect=options)) != identity(
        DnsCheck(timing=TIMING, connect=options, name="a.example")
    )
    assert identity(SmtpCheck(timing=TIMING, connect=options)) != identity(
        SmtpCheck(timing=TIMING, connect=options, helo_name="a.example")
    )
