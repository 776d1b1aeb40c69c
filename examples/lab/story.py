"""The play: what is done to the lab, act by act, and what must come of it.

An act holds or it does not; the figures of those that hold are the report. Expected times are the protocol's:
a silent master is missed 3 x advert_int + skew after its last advertisement, so up to one advert_int sooner after the
event, and a stopped one (priority 0) after the skew alone, (256 - priority) / 256 seconds (RFC 3768 §6.1, §6.4.2).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from stage import RATE, Stage
from topology import DIRECTORS, PORT, REAL_SERVERS, VIP

PRIORITY = {"director1": 100, "director2": 90}
ADVERT_INT = 1.0
SLACK = 1.5
"""Seconds a busy machine may add to the protocol's time before an act counts as failed."""
SETTLE = 2.0
"""Seconds after an event until all requests it may have hurt are answered or lost (a request waits 1.5 s)."""
BOTH = set(REAL_SERVERS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    ok: bool
    text: str
    """What happened, for people."""
    took: float | None = None
    """Seconds from the event until its effect."""
    expected: tuple[float, float] | None = None
    """What `took` is by the protocol and the configuration."""
    gap: float | None = None
    """The longest time the client was without an answer."""
    lost: int | None = None
    """Requests without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    key: str
    title: str
    play: Callable[[Story], Awaitable[Result]]
    vital: bool = False
    """Without it the acts that follow mean nothing."""


def skew(host: str) -> float:
    return (256 - PRIORITY[host]) / 256


def missed(host: str) -> tuple[float, float]:
    """When this backup takes over after its master fell silent."""
    down = 3 * ADVERT_INT + skew(host)
    return down - ADVERT_INT, down


def other(host: str) -> str:
    return DIRECTORS[1 - DIRECTORS.index(host)]


def seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"


def between(took: float | None, expected: tuple[float, float]) -> bool:
    return took is not None and expected[0] - 0.3 <= took <= expected[1] + SLACK


def untouched(gap: float, lost: int) -> bool:
    """The client noticed nothing; a busy machine may be slow, but loses nothing."""
    return gap < (1 if lost else 1 + SLACK)


class Story:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.gone = ""
        """The director that was last killed, stopped or switched off."""
        self.delay_loop, self.before_retry = (2, 1) if stage.fast else (6, 3)

    def acts(self) -> tuple[Act, ...]:
        return ACTS

    async def play(self) -> list[tuple[Act, Result]]:
        """All acts; ends early only where a vital one failed."""
        results: list[tuple[Act, Result]] = []
        for act in self.acts():
            self.stage.emit("act", key=act.key, title=act.title)
            result = await act.play(self)
            self.stage.tell()
            self.stage.emit("done", key=act.key, title=act.title, **asdict(result))
            results.append((act, result))
            if act.vital and not result.ok:
                break
        return results

    # ---- helpers

    async def master(self) -> str:
        """The one director with the VIP."""
        stage = self.stage

        async def one() -> bool:
            return len(await stage.holders()) == 1

        await stage.until(one, 10, time.monotonic())
        return (await stage.holders() or [DIRECTORS[0]])[0]

    async def holds(self, host: str, limit: float, since: float) -> float | None:
        """Seconds from `since` until the director has the VIP; None when it does not, or its daemon ended."""
        director = self.stage.directors[host]

        async def decided() -> bool:
            return host in await self.stage.holders() or not director.running

        took = await self.stage.until(decided, limit, since)
        return took if director.has_vip else None

    async def is_state(self, host: str, state: str, limit: float) -> float | None:
        async def reached() -> bool:
            return self.stage.state_of(host) == state

        return await self.stage.until(reached, limit, time.monotonic())

    async def pools(self, wanted: Callable[[set[str]], bool], limit: float, since: float) -> float | None:
        """Until both directors' pools are as wanted."""

        async def so() -> bool:
            return all(wanted(self.stage.pool(host)) for host in DIRECTORS)

        return await self.stage.until(so, limit, since)

    def hurt(self, since: float) -> tuple[float, int]:
        """(gap, lost) of the client since."""
        return self.stage.gap(since), self.stage.answers(since - 0.5)[None]

    # ---- the acts

    async def election(self) -> Result:
        """Director2 starts only when director1 is master.

        With nopreempt and 0.04 s between their skews, two that start together elect whoever was up first.
        """
        first, second = DIRECTORS
        since = time.monotonic()
        self.stage.start_daemon(first)
        took = await self.holds(first, 20, since)
        if took is None:
            ended = self.stage.directors[first].ended
            why = "has not taken the VIP in 20 s" if ended is None else f"ended with exit status {ended}"
            return Result(ok=False, text=f"{first} {why}")
        self.stage.start_daemon(second)
        backup = await self.is_state(second, "BACKUP", 10)
        held = await self.steady(first, missed(second)[1])
        ok = backup is not None and held
        down = 3 * ADVERT_INT + skew(first)
        text = f"{first} has the VIP {seconds(took)} after its start; {second} stays BACKUP"
        if not ok:
            text = f"no orderly election: VIP on {await self.stage.holders()} after {seconds(took)}"
        return Result(ok=ok, text=text, took=took, expected=(down, down))

    async def steady(self, master: str, length: float) -> bool:
        """Exactly this director has the VIP for so long."""
        end = time.monotonic() + length
        while time.monotonic() < end:
            if await self.stage.holders() != [master]:
                return False
            await asyncio.sleep(0.05)
        return True

    async def fill(self) -> Result:
        since = time.monotonic()
        took = await self.pools(lambda pool: pool == BOTH, 30, since)
        found = {host: sorted(self.stage.pool(host)) for host in DIRECTORS}
        text = "rs1 and rs2 are in the IPVS tables of both directors" if took is not None else f"pools: {found}"
        return Result(ok=took is not None, text=text, took=took)

    async def balance(self) -> Result:
        async def answered() -> bool:
            return any(name for name in self.stage.answers(time.monotonic() - 1))

        await self.stage.start_client()
        await self.stage.until(answered, 10, time.monotonic())
        since = time.monotonic()
        await asyncio.sleep(3 + SETTLE)
        names = self.stage.answers(since)
        lost = names.pop(None, 0)
        counts = [names[host] for host in REAL_SERVERS]
        ok = not lost and min(counts) > RATE and abs(counts[0] - counts[1]) <= 0.1 * sum(counts)
        shares = ", ".join(f"{host} answered {names[host]}" for host in REAL_SERVERS)
        return Result(ok=ok, text=f"{shares}, {lost} lost", lost=lost, gap=self.stage.gap(since))

    async def takeover(
        self, event: Callable[[str], Awaitable[float | None]], expected: Callable[[str], tuple[float, float]]
    ) -> Result:
        """Something happens to the master; the other one must be master in the protocol's time.

        `event` returns the moment at which it happened, where that is not the one at which it was ordered.
        """
        master = await self.master()
        backup = other(master)
        self.gone = master
        ordered = time.monotonic()
        since = await event(master) or ordered
        took = await self.holds(backup, 15, since)
        await asyncio.sleep(SETTLE)
        gap, lost = self.hurt(since)
        due = expected(backup)
        ok = between(took, due) and gap <= due[1] + 1 + SLACK
        text = f"{backup} takes over after {seconds(took)}; the client waited {seconds(gap)}, {lost} lost"
        return Result(ok=ok, text=text, took=took, expected=due, gap=gap, lost=lost)

    async def kill(self) -> Result:
        return await self.takeover(self.stage.kill_daemon, missed)

    async def stop(self) -> Result:
        result = await self.takeover(self.stage.stop_daemon, lambda backup: (skew(backup), skew(backup)))
        status = await self.stage.status_of(self.gone)
        clean = status == 0 and self.gone not in await self.stage.holders() and not self.stage.pool(self.gone)
        if not clean:
            left = f"; exit status {status}, its pool {sorted(self.stage.pool(self.gone))}"
            return Result(ok=False, text=result.text + left, took=result.took, expected=result.expected)
        return result

    async def power_off(self) -> Result:
        return await self.takeover(self.stage.power_off, missed)

    async def back(self) -> Result:
        """The old master returns: what it left behind goes, and nopreempt keeps it from taking back."""
        host, master = self.gone, other(self.gone)
        begin = time.monotonic()
        if not self.stage.directors[host].powered:
            await self.stage.power_on(host)
        since = time.monotonic()
        self.stage.start_daemon(host)

        async def withdrawn() -> bool:
            return self.stage.state_of(host) == "BACKUP" and await self.stage.holders() == [master]

        took = await self.stage.until(withdrawn, 15, since)
        held = await self.steady(master, missed(host)[1] + 0.2)
        full = await self.pools(lambda pool: pool == BOTH, 15, since)
        gap, lost = self.hurt(begin)
        ok = took is not None and held and full is not None and untouched(gap, lost)
        text = f"{host} is BACKUP after {seconds(took)}; the VIP stays on {master}; {lost} lost"
        if not ok:
            text = f"{text}: VIP on {await self.stage.holders()}, pool full after {seconds(full)}, gap {seconds(gap)}"
        return Result(ok=ok, text=text, took=took, gap=gap, lost=lost)

    async def server_down(self) -> Result:
        dead, left = REAL_SERVERS
        since = time.monotonic()
        self.stage.stop_server(dead)
        took = await self.pools(lambda pool: pool == {REAL_SERVERS[left]}, 40, since)
        after = time.monotonic()
        await asyncio.sleep(SETTLE)
        lost = self.stage.answers(since - 0.5)[None]
        names = self.stage.answers(after)
        only = took is not None and set(names) == {left}
        tries = 3 * self.before_retry
        # keepalived does not know nb_get_retry and tries as often as it likes.
        expected = (tries, tries + self.delay_loop) if self.stage.ours() else None
        text = f"{dead} is out of both pools after {seconds(took)}, {lost} lost until then; {left} answers all"
        if not only:
            text = f"{dead} is out of both pools after {seconds(took)}; then {dict(names)}"
        return Result(ok=only, text=text, took=took, expected=expected, lost=lost)

    async def server_up(self) -> Result:
        host = next(iter(REAL_SERVERS))
        since = time.monotonic()
        self.stage.start_server(host)
        took = await self.pools(lambda pool: pool == BOTH, 20, since)
        after = time.monotonic()
        await asyncio.sleep(1)
        names = self.stage.answers(after)
        ok = took is not None and set(names) == set(REAL_SERVERS)
        text = f"{host} is in both pools again after {seconds(took)} and answers"
        if not ok:
            text = f"{host} in both pools after {seconds(took)}; then {dict(names)}"
        return Result(ok=ok, text=text, took=took, expected=(0, self.delay_loop), lost=names[None])


ACTS = (
    Act(key="election", title="director1 starts, then director2", play=Story.election, vital=True),
    Act(key="pool", title="the pools fill", play=Story.fill, vital=True),
    Act(key="traffic", title=f"a client asks {VIP}:{PORT}", play=Story.balance, vital=True),
    Act(key="kill", title="the master is killed: kill -9", play=Story.kill),
    Act(key="return", title="it comes back (nopreempt)", play=Story.back),
    Act(key="server-down", title="a real server dies", play=Story.server_down),
    Act(key="server-up", title="the real server returns", play=Story.server_up),
    Act(key="stop", title="the master is stopped: SIGTERM", play=Story.stop),
    Act(key="restart", title="it starts again", play=Story.back),
    Act(key="power-off", title="the master loses power", play=Story.power_off),
    Act(key="power-on", title="it boots again", play=Story.back),
)
