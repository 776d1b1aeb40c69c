"""One virtual router: RFC 3768 §6.4, RFC 9568 §6.4, with keepalived's FAULT state.

Theory of operation. A machine is told what happened (the methods of `Machine`, called by `router.Router`,
which knows the other machines of a sync group) and answers with actions. Whatever happens becomes one
`Kind`; `Machine.TABLE` says for each state and kind which state follows and what is done on the way. Going
from one state to another always means: what the edge does, what leaving the old state does (`LEAVE`), what
entering the new one does (`ENTER`). A kind that has no edge in a state means nothing there.

Time comes in with each call; `deadline()` says when the machine wants to be called again.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_interface
from typing import TYPE_CHECKING, ClassVar, Final

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.actions import Action, ReportLowerPriority, ReportTransition
from pyvrrp.core.vrrp.admission import Accepted
from pyvrrp.core.vrrp.edges import Edge, Effect, Kind, Moment
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.garp import earliest
from pyvrrp.core.vrrp.holdings import removing
from pyvrrp.core.vrrp.instance import Instance
from pyvrrp.core.vrrp.snapshot import Cause, Transition
from pyvrrp.core.vrrp.timing import OWNER_PRIORITY, master_down_interval
from pyvrrp.model.vrrp import State, VirtualAddress, VrrpInstance
from pyvrrp.units import Micros, format_seconds

if TYPE_CHECKING:
    from pyvrrp.core.vrrp.holdings import Holding


_NAMES: Final = {state: state.name for state in State}
"""Before Python 3.12 asking a state for its name takes as long as all the rest of a transition."""


class Machine(Instance):
    """One instance. All methods that take `at` return the actions it leads to, in order."""

    # What the router asks and tells.

    def sweep(self) -> list[Action]:
        """Before it can start: what an earlier daemon left behind must not stay."""
        self._remove_holdings(Moment(self._since, self._cause))
        return self._flush()

    def start(self, at: Micros, *, owner: bool, resumed: bool) -> list[Action]:
        """Leave INIT. `owner`: priority 255, in the whole sync group; `resumed`: was MASTER in a worker that died."""
        if resumed:
            self._reception.skip((at - self._since) // self.config.advert_int)
            return self._take(
                Kind.RESUMED, Moment(at, Cause.RESUMED, "the addresses stay; listening for one skew time")
            )
        if owner:
            return self._take(Kind.OWNER_STARTED, Moment(at, Cause.OWNER))
        return self._take(Kind.STARTED, Moment(at, Cause.STARTUP))

    def fault(self, at: Micros, cause: Cause, detail: str) -> list[Action]:
        return self._take(Kind.FAULT, Moment(at, cause, detail))

    def clear(self, at: Micros, *, owner: bool) -> list[Action]:
        """No fault is left, here or in the sync group."""
        return self._take(Kind.OWNER_CLEARED if owner else Kind.CLEARED, Moment(at, Cause.RECOVERED))

    def follow(self, at: Micros, state: State, detail: str) -> list[Action]:
        """The sync group became MASTER or BACKUP."""
        kind = Kind.GROUP_MASTER if state is State.MASTER else Kind.GROUP_BACKUP
        return self._take(kind, Moment(at, Cause.GROUP, detail))

    def stop(self, at: Micros) -> list[Action]:
        return self._take(Kind.STOPPED, Moment(at, Cause.STOPPED))

    def delete(self, at: Micros) -> list[Action]:
        return self._take(Kind.DELETED, Moment(at, Cause.RELOAD, "not in the new configuration"))

    def hears_again(self, datagram: DatagramReceived) -> bool:
        """Was this the master saying the same once more? Then it has been dealt with."""
        if not self._echo.is_heard(datagram):
            return False
        self.stats.advert_rcvd += 1
        self.want = State.BACKUP
        self._master.heard_at = self._waiting_since = datagram.at
        self._master_down_at = datagram.at + self._master_down
        return True

    def receive(self, datagram: DatagramReceived) -> list[Action]:
        """A datagram with our virtual router id came."""
        if self.state not in (State.BACKUP, State.MASTER):
            return []
        old = self._reception.old_checksum
        advert, logs = self._reception.hear(datagram, self.stats, self._complaints)
        self._out += logs
        if advert is None:
            self.taken = self._reception.last_reject, datagram
            return self._flush()
        if self._reception.old_checksum is not old:
            self._use_advertiser()
        if self._is_stale(datagram.at):
            self._out += self._step_back(datagram.at)
        self._echo.forget()
        self._compare_addresses(advert)
        moment = Moment(datagram.at, Cause.PREEMPTED, f"{advert.source}, priority {advert.priority}", advert)
        if advert.priority == 0:
            self.stats.pri_zero_rcvd += 1
            return self._take(Kind.PRIORITY_ZERO, moment)
        if self.state is State.MASTER:
            return self._contest(moment)
        if not self._defers_to(advert, datagram.at):
            return self._take(Kind.WORSE, moment)
        actions = self._take(Kind.BETTER, moment)
        if not self._differs(advert):
            self._echo.remember(datagram, advert, self.config, self._effective_priority)
        return actions

    def beat(self, at: Micros) -> list[Action] | None:
        """The advertisement of a MASTER, if that alone is due: what it mostly does. None where there is more to do."""
        if self.state is not State.MASTER:
            return None
        chores = self._chores_at
        if (chores is not None and chores <= at) or self._is_stale(at):
            return None
        self._advertise_in_rhythm(at)
        return self._flush()

    @property
    def _chores_at(self) -> Micros | None:
        """While MASTER: when something else than an advertisement is due."""
        return earliest(self._garps.deadline, self._holdings.repair_at)

    def due(self, at: Micros, *, group_agrees: bool) -> list[Action]:
        """`deadline()` has come; `group_agrees`: all other members of the sync group want to be MASTER too."""
        if self.state is State.BACKUP and self._master_down_at is not None and self._master_down_at <= at:
            self.want = State.MASTER
            if self._owners.forget():
                self._weigh()
            return self._take(Kind.MASTER_DOWN if group_agrees else Kind.VETOED, self._takeover(at))
        if self._is_stale(at):
            return self._step_back(at)
        if self.state is State.MASTER:
            if self._advert_at is not None and self._advert_at <= at:
                self._advertise_in_rhythm(at)
            self._burst(1, self._garps.extra_due(self.config, at))
            self._burst(self._garps.due(self.config.garp, at), self.config.addresses)
            self._repair(at)
        return self._flush()

    def deadline(self) -> Micros | None:
        """When `due` wants to be called; None: nothing is to come by itself."""
        if self.state is State.BACKUP:
            return self._master_down_at
        if self.state is not State.MASTER:
            return None
        return earliest(self._advert_at, self._chores_at)

    def announce_again(self, at: Micros) -> list[Action]:
        """A member of the sync group met a weaker MASTER."""
        if self.state is State.MASTER:
            self._announce_again(at)
        return self._flush()

    def lost(self, at: Micros, holding: Holding) -> list[Action]:
        """Somebody took an address, a route or a rule away: it is put back, without an election (keepalived leaves
        MASTER here)."""
        if self.state is State.MASTER:
            self._out += self._holdings.lost(at, holding)
            self._repair(at)
        return self._flush()

    def refused(self, at: Micros, some: Collection[Holding], reason: str) -> list[Action]:
        """The kernel did not take this; while MASTER we try again, and say so once."""
        self._out += self._complaints.once(f"refused {reason}", None, Level.ERROR, reason)
        if self.state is State.MASTER:
            self._holdings.refused(at, some)
        return self._flush()

    def reconfigure(self, at: Micros, config: VrrpInstance, kept: Collection[Holding]) -> list[Action]:
        """A reload changed this instance. State and counters stay; `kept`: what another MASTER holds now."""
        old, self.config = self.config, config
        before = self._holdings.wanted
        self._holdings.use(config)
        self._complaints.instance = config.name
        wanted = self._holdings.wanted
        self._reception.use(config)
        if config.priority != OWNER_PRIORITY:
            self._owners.forget()
        if self.state is State.MASTER or self._held:
            gone = tuple(holding for holding in before if holding not in wanted)
            self._holdings.present.difference_update(gone)
            self._out += removing(config.name, tuple(holding for holding in gone if holding not in kept))
        out = self._flush() + self.look(at)
        if self.state is not State.BACKUP or old.advert_int != config.advert_int or config.version == 2:
            self._master.interval = config.advert_int
        if self.state is State.BACKUP and not self._held:
            self._wait(self._waiting_since)
        elif self.state is State.MASTER and not self.faults:
            self._advertise(Moment(at, Cause.RELOAD))
            self._out += self._holdings.put(tuple(holding for holding in wanted if holding not in before))
            new = tuple(a for a in config.addresses if a not in old.addresses)
            self._burst(config.garp.repeat, new)
            if new or config.garp != old.garp:
                self._garps.start(config, at)
        return out + self._flush()

    # How a kind becomes a change.

    def _take(self, kind: Kind, moment: Moment) -> list[Action]:
        self.taken = kind, moment
        edge = self.TABLE.get((self.state, kind))
        if edge is not None:
            for effect in edge.does:
                effect(self, moment)
            if edge.target is not None:
                self._go(edge.target, moment)
        return self._flush()

    def _go(self, target: State, moment: Moment) -> None:
        old = self.state
        for effect in self.LEAVE.get(old, ()):
            effect(self, moment)
        self.state = self.want = target
        self.defers = False
        self._echo.forget()
        self._since, self._cause, self._detail = moment.at, moment.cause, moment.detail
        self._complaints.forget()
        self._transitions.append(
            Transition(
                instance=self.config.name,
                at=moment.at,
                old=_NAMES[old],
                new=_NAMES[target],
                cause=moment.cause,
                detail=moment.detail,
                priority=self._effective_priority,
            )
        )
        for effect in self.ENTER[target]:
            effect(self, moment)

    # Questions.

    def _defers_to(self, advert: Accepted, at: Micros) -> bool:
        """BACKUP: does this advertisement restart our timer? (RFC 9568 §6.4.2, nopreempt, preempt_delay)"""
        if advert.priority >= self._effective_priority:
            self._preempt_from = None
            return True
        if not self.config.preempt:
            return True
        if self._preempt_from is None:
            self._preempt_from = at
        return at < self._preempt_from + self.config.preempt_delay

    def _contest(self, moment: Moment) -> list[Action]:
        """MASTER: two masters, who yields? (RFC 9568 §6.4.3)"""
        advert = moment.heard
        if advert.priority == OWNER_PRIORITY == self.config.priority and advert.source != self._source:
            self._meet_owner(moment)
        if advert.priority != self._effective_priority or self._source is None:
            return self._take(Kind.BETTER if advert.priority > self._effective_priority else Kind.WORSE, moment)
        if advert.source == self._source:
            return self._take(Kind.OURS, moment)
        tie = Moment(moment.at, Cause.LOST_TIE, moment.detail, advert)
        return self._take(Kind.BETTER if int(advert.source) > int(self._source) else Kind.WORSE, tie)

    def _meet_owner(self, moment: Moment) -> None:
        advert = moment.heard
        text = f"CONFIGURATION ERROR: {advert.source} has priority 255 too; only the owner of the addresses may"
        self._out += self._complaints.once("owner", advert.source, Level.ERROR, text)
        lower = self._source is not None and int(advert.source) < int(self._source)
        if lower and self._owners.met(moment.at, self.config.advert_int, advert.advert_int):
            self._weigh()

    def _takeover(self, at: Micros) -> Moment:
        """Why we take over, in words."""
        if self._held:
            return Moment(at, Cause.RESUMED, "nobody else had taken over")
        known = self._master.advert
        discarded = known is not None and self._complaints.has_said("discard", known.source)
        return Moment(at, *self._master.why_gone(at, self._effective_priority, discarded=discarded))

    def _compare_addresses(self, advert: Accepted) -> None:
        """Other addresses than ours are counted and named, but the advertisement holds (keepalived 2.2.7 drops it)."""
        known = self.state is State.BACKUP and self._master.is_at(advert.source)
        if known and self.config.skip_check_adv_addr:
            return
        if self._differs(advert):
            self.stats.addr_list_err += 1
            self._out += self._complaints.address_lists(self._advertised, advert)

    def _differs(self, advert: Accepted) -> bool:
        return set(self._advertised) != set(advert.addresses)

    def _is_stale(self, at: Micros) -> bool:
        """MASTER: have we been stalled for so long that a backup may have taken over? (timer_expired_backup)"""
        priority, config = self.config.timer_expired_backup, self.config
        if priority is None or self.state is not State.MASTER or self._advert_at is None:
            return False
        interval = config.advert_int
        silence = master_down_interval(config.version, priority, interval, config.down_timer_adverts)
        return at >= self._advert_at - interval + silence

    def _step_back(self, at: Micros) -> list[Action]:
        assert self._advert_at is not None
        late = format_seconds(at - self._advert_at)
        return self._take(Kind.STALE, Moment(at, Cause.STALLED, f"our advertisement is {late} s late"))

    # Effects: what edges, leaving and entering do.

    def _report(self, moment: Moment) -> None:
        self._out.append(ReportTransition(self._transitions[-1]))

    def _advertise(self, moment: Moment) -> None:
        self._send(self._effective_priority, moment.at)
        self._advert_at = self._next_advert(moment.at)

    def _advertise_in_rhythm(self, at: Micros) -> None:
        """The next one is due an interval after this one was due, unless we are late by more than that."""
        self._send(self._effective_priority, at)
        due = self._advert_at
        if self.slot is not None or due is None or due + self.config.advert_int <= at:
            due = at
        self._advert_at = self._next_advert(due)

    def _next_advert(self, after: Micros) -> Micros:
        interval = self.config.advert_int
        return after + interval if self.slot is None else self.slot.after(after, interval)

    def _say_goodbye(self, moment: Moment) -> None:
        """Priority 0: the backups need not wait for silence (RFC 9568 §6.4.3)."""
        self._send(0, moment.at)
        self.stats.pri_zero_sent += 1

    def _add_holdings(self, moment: Moment) -> None:
        self._out += self._holdings.put_all()

    def _remove_holdings(self, moment: Moment) -> None:
        self._out += self._holdings.take(self._holdings.wanted)
        self._held = False

    def _keep_holdings(self, moment: Moment) -> None:
        """A worker died as MASTER; its addresses are still there and serve until we know whether somebody took over."""
        self._held = True
        self._holdings.present.update(self._holdings.wanted)

    def _release_held(self, moment: Moment) -> None:
        if self._held:
            self._remove_holdings(moment)

    def _start_garps(self, moment: Moment) -> None:
        self._out += self._holdings.announce_all()
        self._garps.start(self.config, moment.at)

    def _be_master(self, moment: Moment) -> None:
        self._master.interval = self.config.advert_int
        self._master.said_zero = self._held = False
        self._preempt_from = None
        self.stats.become_master += 1

    def _release_mastership(self, moment: Moment) -> None:
        self._garps.clear()
        self._holdings.rest()
        self._answered_at = None
        self.stats.release_master += 1

    def _be_backup(self, moment: Moment) -> None:
        self._advertiser.prepare(self._effective_priority)
        self._preempt_from = None
        self._master.said_zero = False
        if self._held:
            self._wait_skew(moment.at)
        else:
            self._wait(moment.at)

    def _be_out(self, moment: Moment) -> None:
        self._master.advert = None
        self._master.interval = self.config.advert_int

    def _hear(self, moment: Moment) -> None:
        """An advertisement that we defer to: the master lives."""
        self._out += self._master.learn(moment.heard, moment.at, self.config.version, self.config.name)
        self.want = State.BACKUP
        self.defers = True
        self._release_held(moment)
        self._wait(moment.at)

    def _discard(self, moment: Moment) -> None:
        """Heard, but it does not restart our timer: we shall take over."""
        advert = moment.heard
        self._master.note(advert, moment.at)
        text = f"received lower priority ({advert.priority}) advert from {advert.source} - discarding"
        self._out += self._complaints.once("discard", advert.source, Level.INFO, text)

    def _expect_takeover(self, moment: Moment) -> None:
        """Priority 0: whoever has the highest priority is the first whose skew time is over (RFC 9568 §6.4.2)."""
        self._out.append(Log(Level.INFO, f"({self.config.name}) Backup received priority 0 advertisement"))
        self._master.note(moment.heard, moment.at)
        self._master.said_zero = True
        self._wait_skew(moment.at)

    def _wait_again(self, moment: Moment) -> None:
        self._wait(moment.at)

    def _yield(self, moment: Moment) -> None:
        advert = moment.heard
        if self.config.higher_prio_send_advert:
            self._advertise(moment)
        relation = "equal" if moment.cause is Cause.LOST_TIE else "higher"
        text = (
            f"({self.config.name}) Master received advert from {advert.source} with {relation} priority "
            f"{advert.priority}, ours {self._effective_priority}"
        )
        self._out.append(Log(Level.INFO, text))
        self._master.note(advert, moment.at)
        if self.config.version == 3:
            self._master.interval = advert.advert_int

    def _answer(self, moment: Moment) -> None:
        """A lower-priority advertisement meets a MASTER: say who is, so that the other one yields (RFC 9568 §6.4.3).

        At most twice an interval, however many come: a forger must not make us multiply his packets.
        """
        advert, config = moment.heard, self.config
        ours = self._effective_priority
        text = f"Received advert from {advert.source} with lower priority {advert.priority}, ours {ours}"
        if not config.lower_prio_no_advert:
            text += ", forcing new election"
        self._out += self._complaints.once("lower", advert.source, Level.INFO, text)
        if self._answered_at is not None and moment.at - self._answered_at < config.advert_int // 2:
            return
        self._answered_at = moment.at
        self._out.append(ReportLowerPriority(config.name, ours))
        if self._reception.credentials is not None:
            self._reception.credentials.overtake()
        if not config.lower_prio_no_advert:
            self._advertise(moment)
        self._announce_again(moment.at)

    def _announce_again(self, at: Micros) -> None:
        """Neighbours may have learnt our addresses from a weaker MASTER."""
        self._burst(self.config.garp.lower_prio_repeat, self.config.addresses)
        self._garps.lower_priority_met(self.config.garp, at)

    def _warn_of_twin(self, moment: Moment) -> None:
        text = "another director advertises with our priority from our own address: that address is used twice"
        self._out += self._complaints.once("twin", moment.heard.source, Level.WARNING, text)

    def _announce_source(self, moment: Moment) -> None:
        """Unicast peers may have forgotten where we are."""
        config, source = self.config, self._source
        if config.unicast_peer and config.interface and source is not None:
            own = VirtualAddress(interface=ip_interface(source), dev=config.interface)
            self._burst(1, (own,))

    TABLE: ClassVar[dict[tuple[State, Kind], Edge]] = {
        (State.INIT, Kind.STARTED): Edge(State.BACKUP, (_remove_holdings,)),
        (State.INIT, Kind.OWNER_STARTED): Edge(State.MASTER),
        (State.INIT, Kind.RESUMED): Edge(State.BACKUP, (_keep_holdings,)),
        (State.INIT, Kind.FAULT): Edge(State.FAULT, (_remove_holdings,)),
        (State.INIT, Kind.STOPPED): Edge(State.STOP),
        (State.BACKUP, Kind.MASTER_DOWN): Edge(State.MASTER),
        (State.BACKUP, Kind.VETOED): Edge(None, (_wait_again,)),
        (State.BACKUP, Kind.PRIORITY_ZERO): Edge(None, (_expect_takeover,)),
        (State.BACKUP, Kind.BETTER): Edge(None, (_hear,)),
        (State.BACKUP, Kind.WORSE): Edge(None, (_discard,)),
        (State.BACKUP, Kind.GROUP_MASTER): Edge(State.MASTER),
        (State.BACKUP, Kind.FAULT): Edge(State.FAULT, (_release_held,)),
        (State.BACKUP, Kind.STOPPED): Edge(State.STOP, (_release_held,)),
        (State.BACKUP, Kind.DELETED): Edge(State.DELETED, (_release_held,)),
        (State.MASTER, Kind.PRIORITY_ZERO): Edge(None, (_advertise,)),
        (State.MASTER, Kind.BETTER): Edge(State.BACKUP, (_yield,)),
        (State.MASTER, Kind.WORSE): Edge(None, (_answer,)),
        (State.MASTER, Kind.OURS): Edge(None, (_warn_of_twin,)),
        (State.MASTER, Kind.STALE): Edge(State.BACKUP),
        (State.MASTER, Kind.GROUP_BACKUP): Edge(State.BACKUP, (_say_goodbye,)),
        (State.MASTER, Kind.FAULT): Edge(State.FAULT, (_say_goodbye,)),
        (State.MASTER, Kind.STOPPED): Edge(State.STOP, (_say_goodbye,)),
        (State.MASTER, Kind.DELETED): Edge(State.DELETED, (_say_goodbye,)),
        (State.FAULT, Kind.CLEARED): Edge(State.BACKUP, (_announce_source,)),
        (State.FAULT, Kind.OWNER_CLEARED): Edge(State.MASTER, (_announce_source,)),
        (State.FAULT, Kind.STOPPED): Edge(State.STOP),
        (State.FAULT, Kind.DELETED): Edge(State.DELETED),
    }

    LEAVE: ClassVar[dict[State, tuple[Effect, ...]]] = {
        State.MASTER: (_remove_holdings, _release_mastership),
    }

    ENTER: ClassVar[dict[State, tuple[Effect, ...]]] = {
        # The advertisement comes first, so that the old master lets go before we hold the addresses too.
        State.MASTER: (_advertise, _report, _add_holdings, _start_garps, _be_master),
        State.BACKUP: (_report, _be_backup),
        State.FAULT: (_report, _be_out),
        State.STOP: (_report, _be_out),
        State.DELETED: (_report, _be_out),
    }
