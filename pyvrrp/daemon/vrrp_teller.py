"""Tells the world what happens to the instances: scripts, FIFO lines and mails, in keepalived's order and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.daemon.role import Host
from pyvrrp.daemon.telling import Telling
from pyvrrp.model.config import Config
from pyvrrp.model.notify import Notify
from pyvrrp.model.vrrp import SyncGroup, VrrpInstance

MAILS: Final = {
    "MASTER": ("Entering MASTER state", "VRRP Instance is now owning VRRP VIPs"),
    "BACKUP": ("Entering BACKUP state", "VRRP Instance is no longer owning VRRP VIPs"),
    "FAULT": ("Entering FAULT state", "VRRP Instance is no longer owning VRRP VIPs"),
    "STOP": ("Stopping", "VRRP Instance stopping"),
    "DELETED": ("Deleted", "VRRP Deleted at reload"),
}
"""By the states that are told, each of which has a field notify_STATE in `Notify`: subject and body."""
_ALERT: Final = "smtp_alert_vrrp"
_LAST_SCRIPTS: Final = 1.0
"""Seconds that scripts about the stop get, as in keepalived."""


class VrrpTeller:
    """For one vrrp worker."""

    def __init__(self, host: Host) -> None:
        self._means = Telling("vrrp", host)
        self._instances: dict[str, VrrpInstance] = {}
        self._groups: dict[str, SyncGroup] = {}
        self._group_of: dict[str, SyncGroup] = {}
        self._mailed: dict[tuple[str, str], str] = {}
        """The state of which the last mail about an instance or a group told."""
        self._config = Config()

    def configure(self, config: Config) -> None:
        """Those that are gone are still told of as they wished: their end comes after this."""
        former = {i.name: i for i in self._config.vrrp_instances}
        self._config = config
        self._instances = former | {i.name: i for i in config.vrrp_instances}
        self._groups = {group.name: group for group in config.vrrp_sync_groups}
        self._group_of = {name: group for group in config.vrrp_sync_groups for name in group.members}
        self._means.configure(config.global_defs)

    def instance(self, name: str, state: str, priority: int, old: str = "", why: str = "") -> None:
        """An instance changed its state; scripts find its old one and the reason in their environment."""
        instance = self._instances.get(name)
        if instance is None:
            return
        notify = instance.notify
        script: str | None = f"notify_{state.lower()}"
        if state == "DELETED" and not (notify is not None and notify.tell_deleted):
            # As keepalived 2.2.7: told as FAULT, but not to notify_fault.
            state, script = "FAULT", None
        if state not in MAILS:
            return
        variables = {"VRRP_OLD_STATE": old, "VRRP_CAUSE": why} if why else None
        self._tell("INSTANCE", name, state, priority, notify, script, variables)
        if self._means.alerts(instance.smtp_alert, _ALERT):
            self._mail("Instance", name, state)

    def group(self, name: str, state: str) -> None:
        """A sync group as a whole did."""
        group = self._groups.get(name)
        if group is None or state not in MAILS:
            return
        self._tell("GROUP", name, state, 0, group.notify, f"notify_{state.lower()}")
        if self._means.alerts(group.smtp_alert, _ALERT):
            self._mail("Group", name, state)

    def lower_priority(self, name: str, priority: int) -> None:
        """A MASTER heard an advertisement of lower priority."""
        instance = self._instances.get(name)
        if instance is None:
            return
        if instance.notify is not None:
            keyword = "notify_master_rx_lower_pri"
            self._means.run(f"({name})", keyword, instance.notify.notify_master_rx_lower_pri)
        self._means.write(f'INSTANCE "{name}" MASTER_RX_LOWER_PRI {priority}')

    def priority(self, name: str, state: str, priority: int) -> None:
        """The effective priority of an instance moved."""
        instance, group = self._instances.get(name), self._group_of.get(name)
        if instance is None:
            return
        wishes = [instance.notify_priority_changes, None if group is None else group.notify_priority_changes]
        fifos = self._config.global_defs.fifos
        default = fifos is not None and fifos.vrrp_notify_priority_changes
        if next((wish for wish in wishes if wish is not None), default):
            kind = "MASTER_PRIORITY" if state == "MASTER" else "BACKUP_PRIORITY"
            self._means.write(f'INSTANCE "{name}" {kind} {priority}')

    @property
    def wants_states(self) -> bool:
        """fifo_write_vrrp_states_on_reload."""
        fifos = self._config.global_defs.fifos
        return fifos is not None and fifos.fifo_write_vrrp_states_on_reload

    def states(self, snapshot: VrrpSnapshot) -> None:
        """To the FIFOs, after a reload; instances that are MASTER are left out, as keepalived leaves them out."""
        for group in snapshot.sync_groups:
            self._means.write(f'GROUP "{group.name}" {group.state} 0')
        for instance in snapshot.instances:
            if instance.state == "MASTER":
                continue
            self._means.write(f'INSTANCE "{instance.name}" {instance.state} {instance.effective_priority}')

    async def settle(self) -> None:
        """At the end: the scripts about the stop get a moment."""
        await self._means.settle(_LAST_SCRIPTS)

    def _tell(
        self,
        what: str,
        name: str,
        state: str,
        priority: int,
        notify: Notify | None,
        script: str | None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        who = f"({name})"
        if notify is not None:
            if script is not None:
                self._means.run(who, script, getattr(notify, script), (), variables)
            self._means.run(who, "notify", notify.notify, (what, name, state, str(priority)), variables)
        self._means.write(f'{what} "{name}" {state} {priority}')

    def _mail(self, what: str, name: str, state: str) -> None:
        if self._mailed.get((what, name)) == state:
            return
        self._mailed[what, name] = state
        mail = self._config.global_defs.mail
        if state == "FAULT" and mail is not None and mail.no_email_faults:
            return
        subject, body = MAILS[state]
        if what == "Group":
            doing = "stopping" if state == "STOP" else f"in {state} state"
            body = f"All VRRP group instances are now {doing}"
        self._means.mail(f"VRRP {what} {name} - {subject}", body)
