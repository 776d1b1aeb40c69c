"""Which url is asked when, and what the answers mean."""

from __future__ import annotations

from typing import Any

from pyvrrp.core.lvs.web import WebChecking
from pyvrrp.model.checkers import ConnectOptions, HttpCheck, Url
from pyvrrp.units import SECOND
from tests.unit.lvs.samples import RS1, TIMING

NAME = "[10.0.0.1]:tcp:80"
LOOP, RETRY = TIMING.delay_loop, TIMING.delay_before_retry


def web(*paths: str, up: bool = True, checked: bool = True, **options: Any) -> WebChecking:
    urls = tuple(Url(path=path) for path in paths)
    check = HttpCheck(timing=TIMING, connect=ConnectOptions(target=RS1), urls=urls, **options)
    return WebChecking(1, check, up, checked=checked)


def asks(machine: WebChecking) -> str:
    question = machine.questions()[machine.position]
    assert isinstance(question, HttpCheck)
    (url,) = question.urls
    return url.path


def step(machine: WebChecking, error: str | None = None) -> tuple[str, int, bool, list[str]]:
    """What was asked, when the next comes, whether it is up then, and what was said."""
    asked = asks(machine)
    said = [log.text for log in machine.finished(0, error, NAME)]
    assert machine.due is not None
    return asked, machine.due, machine.up, said


def test_one_url_each_delay_loop_in_turn() -> None:
    machine = web("/a", "/b", "/c")
    assert [step(machine) for _ in range(4)] == [(path, LOOP, True, []) for path in ("/a", "/b", "/c", "/a")]


def test_a_failing_url_is_retried_then_remembered_and_a_whole_clean_pass_brings_the_server_back() -> None:
    machine = web("/a", "/b")
    step(machine)
    for _ in range(TIMING.retry):
        assert step(machine, "status 500") == ("/b", RETRY, True, [])
    down = f"HTTP_CHECK on service {NAME} failed after 3 retries. Reason: status 500"
    assert step(machine, "status 500") == ("/b", LOOP, False, [down])
    assert step(machine, "status 500") == ("/b", LOOP, False, [])
    success = f"HTTP status code success to {NAME} url(%s)"
    assert step(machine) == ("/b", LOOP, False, [success % "/b"])
    assert step(machine) == ("/a", LOOP, False, [success % "/a"])
    up = f"Remote Web server {NAME} succeed on service."
    assert step(machine) == ("/b", LOOP, True, [success % "/b", up])


def test_a_single_url_needs_two_successes() -> None:
    machine = web("/", up=False)
    machine.failed_url = True
    assert [step(machine)[2] for _ in range(2)] == [False, True]


def test_a_failure_in_the_clean_pass_is_retried_until_it_answers() -> None:
    machine = web("/a", "/b", up=False)
    assert step(machine)[0] == "/a"
    for _ in range(9):
        assert step(machine, "no answer") == ("/b", RETRY, False, [])
    assert step(machine)[2]


def test_one_failure_is_enough_on_the_first_run() -> None:
    machine = web("/a", checked=False)
    down = f"HTTP_CHECK on service {NAME} failed. Reason: refused"
    assert step(machine, "refused") == ("/a", LOOP, False, [down])


def test_an_alpha_checker_wants_all_urls_once() -> None:
    machine = web("/a", "/b", up=False, checked=False)
    assert [step(machine)[2] for _ in range(2)] == [False, True]


def test_fast_recovery_does_not_wait_between_urls() -> None:
    machine = web("/a", "/b", up=False, fast_recovery=True)
    assert step(machine)[:3] == ("/a", 0, False)
    assert step(machine)[:3] == ("/b", LOOP, True)


def test_delay_before_retry_may_be_the_longer_one_while_down() -> None:
    machine = web("/a", checked=False)
    machine.checker = HttpCheck(
        timing=type(TIMING)(delay_loop=SECOND, delay_before_retry=3 * SECOND),
        connect=ConnectOptions(target=RS1),
        urls=(Url(path="/a"),),
    )
    assert step(machine, "refused")[1] == 3 * SECOND


def test_a_reload_with_fewer_urls_asks_one_of_those() -> None:
    machine = web("/a", "/b")
    step(machine)
    machine.reconfigure(web("/c").checker, 0, lambda longest: 0)
    assert asks(machine) == "/c"
