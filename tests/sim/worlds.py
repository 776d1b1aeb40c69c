"""Random directors, networks and faults, and a world that checks after each event what must hold always."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_interface
from typing import Any

from hypothesis import strategies as st

from pyvrrp.core.vrrp.actions import Action, ReportTransition, SendAdvert
from pyvrrp.core.vrrp.snapshot import Cause, InstanceSnapshot, Transition
from pyvrrp.model.auth_hmac import Hmac, HmacKey
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.tracked import Tracked, Tracker
from pyvrrp.model.vrrp import Authentication, AuthType, SyncGroup, VirtualAddress, VrrpInstance
from pyvrrp.net import VRRP_GROUP4, VRRP_GROUP6, Address
from pyvrrp.simulate.chaos import settling
from pyvrrp.simulate.director import Director
from pyvrrp.simulate.network import Path, Route
from pyvrrp.simulate.steps import (
    Begin,
    Crash,
    Heal,
    Kill,
    Link,
    Partition,
    Quality,
    Rate,
    Stall,
    Step,
    Stop,
    Take,
    Timed,
    Track,
)
from pyvrrp.simulate.story import Story
from pyvrrp.simulate.summary import clock_text
from pyvrrp.simulate.world import World
from pyvrrp.units import CENTISECOND, MILLISECOND, MINUTE, SECOND, Micros

NAMES = ("a", "b", "c", "d")
SEGMENTS = ("eth0", "eth1")
NOBODY = "nobody"
"""Whose the forged packets of test_noise are."""
TIMED_OUT = (Cause.MASTER_DOWN, Cause.HIGHER, Cause.GROUP)
SCRIPT, LOAD, FILE = "fit", "load", "number"


@dataclass(frozen=True)
class Router:
    """One virtual router, as all directors have it."""

    vrid: int
    segment: str
    version: int
    family: int
    advert_int: Micros
    preempt: bool
    preempt_delay: Micros
    grouped: bool
    auth: str
    unicast: bool


class Scene:
    """All that a world is made of. No dataclass: Hypothesis would print all of it."""

    def __init__(
        self,
        configs: dict[str, Config],
        steps: list[Timed],
        path: Path,
        clocks: dict[str, int],
        seed: int,
        duration: Micros,
    ) -> None:
        """`duration`: with a long quiet time at its end."""
        self.configs = configs
        self.steps = steps
        self.path = path
        self.clocks = clocks
        self.seed = seed
        self.duration = duration

    def __repr__(self) -> str:
        return f"a scene of {', '.join(self.configs)}"  # the report says more

    def world(self) -> Checked:
        return Checked(self)


class Checked(World):
    """What the judge does not see: no address is held by an instance that is no MASTER, sync groups stay together, who
    cannot serve is no MASTER, nobody takes over from a better one that he hears, and the best one has it in the end."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene.configs, scene.steps, path=scene.path, clocks=scene.clocks, seed=scene.seed)
        self.heard: dict[tuple[str, str, int], Micros] = {}
        """When, by its own clock, a director last got a better advertisement: director, interface, virtual router."""
        settle = self.judge.settle

        def check_and_settle() -> None:
            if self.judge.is_dirty:
                self.check()
            settle()

        self.judge.settle = check_and_settle  # type: ignore[method-assign]

    def check(self) -> None:
        for director in self.directors.values():
            if director.router is None:
                assert not director.held
                continue
            states = {view.name: view.state for view in director.views.values()}
            for instance in director.config.vrrp_instances:
                view = director.views[instance.name]
                resuming = view.state == "BACKUP" and view.cause.value == "worker restarted"
                if view.state != "MASTER" and not resuming:
                    held = director.held.intersection(instance.addresses)
                    assert not held, f"{clock_text(self.now)} {director.name}.{view.name} is {view.state}, holds {held}"
                self.check_fitness(director, instance, view)
            for group in director.config.vrrp_sync_groups:
                together = {states[name] for name in group.members}
                for state in ("MASTER", "FAULT"):
                    assert state not in together or together == {state}, f"{director.name} is split: {states}"

    def check_fitness(self, director: Director, instance: VrrpInstance, view: InstanceSnapshot) -> None:
        """From the faults themselves, not from what the machine makes of them."""
        if view.state != "MASTER" or director.stalled_until is not None:
            return
        broken = [track.name for track in instance.track_script if not track.weight and self._fails(director, track)]
        if not director.own[instance.interface].up:
            broken.append(instance.interface)
        assert not broken, f"{clock_text(self.now)} {director.name}.{view.name} is MASTER in spite of {broken}"

    def _fails(self, director: Director, track: Tracked) -> bool:
        return not director.findings.get((Tracker.SCRIPT, track.name), True)

    def _arrive(self, route: Route, action: SendAdvert, destination: Address) -> None:
        super()._arrive(route, action, destination)
        if action.instance == NOBODY:  # refused, so it need not be obeyed
            return
        director = self.directors[route.receiver]
        vrid, priority = action.message[1:3]
        for instance in director.config.vrrp_instances:
            same = (instance.interface, instance.virtual_router_id) == (route.interface, vrid)
            if same and not instance.tracked and instance.auth_hmac is None and instance.authentication is None:
                key = director.name, route.interface, vrid
                if priority == 0 or director.stalled_until is not None:
                    self.heard.pop(key, None)
                elif priority > instance.priority:
                    self.heard[key] = self._local(director)

    def _act(self, director: Director, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, ReportTransition) and _waited(action.transition):
                instance = director.config.instance(action.transition.instance)
                key = director.name, instance.interface, instance.virtual_router_id
                silence = action.transition.at - self.heard.get(key, -60 * MINUTE)
                text = (
                    f"{clock_text(self.now)} {director.name}.{instance.name} takes over after {silence} us of silence"
                )
                assert silence >= instance.down_timer_adverts * instance.advert_int, text
        super()._act(director, actions)

    def check_end(self, scene: Scene) -> None:
        """All is mended: whoever preempts and has the highest priority is MASTER."""
        for name, director in self.directors.items():
            for instance in director.config.vrrp_instances:
                others = [
                    other.priority
                    for config in scene.configs.values()
                    for other in config.vrrp_instances
                    if other.virtual_router_id == instance.virtual_router_id
                ]
                leads = director.views[instance.name].state == "MASTER"
                best = instance.priority == max(others)
                assert best or not leads or not instance.preempt, (
                    f"{name}.{instance.name} leads in the end, not the best"
                )

    def play(self, scene: Scene) -> Story:
        self.run(scene.duration)
        story = self.finish()
        self.check_end(scene)
        assert not story.violations, report(scene, story)
        for service in story.services:
            (holder,) = service.spans[-1].holders or ("nobody",)
            assert holder != "nobody", report(scene, story)
            last = service.spans[-1]
            assert last.begin <= scene.duration - SECOND, report(scene, story)
        return story


def _waited(transition: Transition) -> bool:
    """Did it become MASTER because its master down timer ran out, and those of its group?"""
    return transition.new == "MASTER" and transition.cause in TIMED_OUT


def report(scene: Scene, story: Story) -> str:
    """The whole play, for a test that failed."""
    lines = [(h.at, 0, f"* {h.what}") for h in story.happenings]
    lines += [(c.at, 1, f"{c.director}.{c.instance} is {c.state}: {c.why}") for c in story.changes]
    wrong = [f"WRONG {v}" for v in story.violations]
    spans = [f"{s.addresses} {s.spans[-1] if s.spans else ''}" for s in story.services]
    text = [f"{clock_text(at)} {line}" for at, _, line in sorted(lines, key=lambda entry: entry[:2])]
    configs = [f"{name}: {config.vrrp_instances} {config.vrrp_sync_groups}" for name, config in scene.configs.items()]
    return "\n".join(["", *configs, str(scene.path), str(scene.clocks), *text[-80:], *spans, *wrong])


def _addresses(router: Router) -> tuple[VirtualAddress, ...]:
    texts = [f"192.0.2.{100 + router.vrid}/24"]
    if router.family == 6:
        texts = [f"fe80::{router.vrid:x}:1/64", f"2001:db8::{router.vrid:x}/64"]
    return tuple(VirtualAddress(interface=ip_interface(text), dev=router.segment) for text in texts)


def _own(router: Router, name: str) -> Address:
    """A director's address on a segment, where it must be written."""
    number = NAMES.index(name) + 1
    segment = SEGMENTS.index(router.segment)
    return ip_address(f"fe80::{segment + 7}:{number}" if router.family == 6 else f"10.{segment}.0.{number}")


def _auth(router: Router) -> dict[str, Any]:
    if router.auth == "hmac":
        return {"auth_hmac": Hmac(keys=(HmacKey(number=1, value=bytes(32)),), active_key=1, time_window=30)}
    if router.auth:
        kind = AuthType.PASS if router.auth == "pass" else AuthType.AH
        return {"authentication": Authentication(type=kind, password=b"secret")}
    return {}


@st.composite
def routers(draw: st.DrawFn) -> list[Router]:
    found = []
    for vrid in range(1, draw(st.integers(1, 3)) + 1):
        version = draw(st.sampled_from((2, 3)))
        intervals = (SECOND, 2 * SECOND) if version == 2 else (10 * CENTISECOND, SECOND)
        preempt = draw(st.booleans())
        auths = ("", "", "hmac", "pass", "ah") if version == 2 else ("", "", "hmac")
        found.append(
            Router(
                vrid=vrid,
                segment=draw(st.sampled_from(SEGMENTS)),
                version=version,
                family=draw(st.sampled_from((4, 6))) if version == 3 else 4,
                advert_int=draw(st.sampled_from(intervals)),
                preempt=preempt,
                preempt_delay=draw(st.sampled_from((0, 0, 5 * SECOND))) if preempt else 0,
                grouped=draw(st.booleans()),
                auth=draw(st.sampled_from(auths)),
                unicast=draw(st.sampled_from((False, False, True))),
            )
        )
    if sum(router.grouped for router in found) < 2:
        return [replace(router, grouped=False) for router in found]
    # The members of a group agree on how to preempt: they must, where one decides for all.
    leader = next(router for router in found if router.grouped)
    return [
        replace(router, preempt=leader.preempt, preempt_delay=leader.preempt_delay) if router.grouped else router
        for router in found
    ]


@st.composite
def directors(draw: st.DrawFn) -> dict[str, Config]:
    wanted = draw(routers())
    names = NAMES[: draw(st.integers(1, 4))]
    ranks = draw(st.lists(st.integers(1, 254), min_size=len(names), max_size=len(names)))
    startup = draw(st.sampled_from((0, 0, 3 * SECOND)))
    tracked = draw(st.sampled_from(("", SCRIPT, LOAD, FILE)))
    configs = {}
    for name, priority in zip(names, ranks, strict=True):
        instances = tuple(
            VrrpInstance(
                name=f"V{router.vrid}",
                interface=router.segment,
                virtual_router_id=router.vrid,
                version=router.version,
                priority=priority,
                advert_int=router.advert_int,
                preempt=router.preempt,
                preempt_delay=router.preempt_delay,
                virtual_ipaddress=_addresses(router),
                mcast_dst_ip=VRRP_GROUP6 if router.family == 6 else VRRP_GROUP4,
                mcast_src_ip=_own(router, name) if router.unicast else None,
                unicast_peer=tuple(_own(router, n) for n in names if n != name) if router.unicast else (),
                **_auth(router),
                track_script=tuple(
                    Tracked(name=which, weight=weight)
                    for which, weight in ((SCRIPT, 0), (LOAD, -60))
                    if which == tracked and (router.grouped or not any(r.grouped for r in wanted))
                ),
                track_file=(Tracked(name=FILE, weight=1),) if tracked == FILE and router.grouped else (),
            )
            for router in wanted
        )
        members = tuple(f"V{router.vrid}" for router in wanted if router.grouped)
        configs[name] = Config(
            vrrp_instances=instances,
            vrrp_sync_groups=(SyncGroup(name="G", members=members),) if members else (),
            global_defs=GlobalDefs(vrrp_startup_delay=startup),
        )
    return configs


def _steps(draw: st.DrawFn, configs: dict[str, Config]) -> tuple[list[Timed], Micros]:
    names = list(configs)
    who = st.sampled_from(names)
    some = next(iter(configs.values()))
    devices = sorted({i.interface for i in some.vrrp_instances})
    addresses = sorted({str(a.address) for i in some.vrrp_instances for a in i.addresses})
    tracked = sorted({(str(kind), t.name) for i in some.vrrp_instances for kind, t in i.tracked})
    kinds: list[st.SearchStrategy[Step]] = [
        st.builds(Crash, who),
        st.builds(Begin, who),
        st.builds(Begin, who),
        st.builds(Stop, who),
        st.builds(Kill, who),
        st.builds(Stall, who, st.sampled_from((MILLISECOND, 500 * MILLISECOND, 5 * SECOND))),
        st.builds(Link, who, st.sampled_from(devices), st.booleans()),
        st.just(Heal()),
        st.builds(Quality, st.just("loss"), st.sampled_from((0, 100_000, 400_000))),
        st.builds(Quality, st.just("jitter"), st.sampled_from((0, 20 * MILLISECOND))),
        st.builds(Quality, st.sampled_from(("duplicate", "reorder")), st.sampled_from((0, 200_000))),
        st.builds(Rate, who, st.integers(-2000, 2000)),
        st.builds(Take, who, st.sampled_from(addresses).map(ip_address)),
    ]
    if len(names) > 1:
        pair = st.permutations(names).map(lambda p: (p[0], p[1]))
        side = st.sets(who, min_size=1, max_size=len(names) - 1).map(frozenset)
        cut = st.tuples(side, st.sampled_from((None, *devices)))
        kinds.append(st.builds(Quality, st.just("loss"), st.sampled_from((0, 500_000, 1_000_000)), pair))
        kinds.append(cut.map(lambda c: Partition((c[0], frozenset(names) - c[0]), c[1])))
    if tracked:
        kind, name = tracked[0]
        values = st.sampled_from((-100, 0, 60)) if kind == Tracker.FILE else st.booleans()
        kinds.append(st.builds(Track, who, st.just(Tracker(kind)), st.just(name), values))
    pauses = st.sampled_from(
        (0, MILLISECOND, 130 * MILLISECOND, 700 * MILLISECOND, 2 * SECOND, 4 * SECOND, 15 * SECOND)
    )
    at: Micros = 0
    timed = []
    for pause, step in draw(st.lists(st.tuples(pauses, st.one_of(kinds)), max_size=14)):
        at += pause
        timed.append(Timed(at, step))
    at += SECOND
    mended: list[Step] = [Heal(), *(Quality(what, 0) for what in ("loss", "jitter", "duplicate", "reorder"))]
    mended += [Link(name, dev, True) for name in names for dev in devices]
    mended += [Track(n, Tracker(k), t, 0 if k == Tracker.FILE else True) for n in names for k, t in tracked]
    mended += [Begin(name) for name in names]
    return timed + [Timed(at, step) for step in mended], at


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    configs = draw(directors())
    steps, quiet_from = _steps(draw, configs)
    return Scene(
        configs=configs,
        steps=steps,
        path=Path(delay=draw(st.sampled_from((0, 200, 5 * MILLISECOND)))),
        clocks={name: draw(st.integers(-500, 500)) for name in configs},
        seed=draw(st.integers(0, 1000)),
        duration=quiet_from + 3 * settling(configs) + 10 * SECOND,
    )


def masters(story: Story, instance: str) -> Sequence[str]:
    """Who is MASTER of it at the end."""
    last = {(c.director, c.instance): c.state for c in story.changes}
    return [director for (director, name), state in last.items() if name == instance and state == "MASTER"]
