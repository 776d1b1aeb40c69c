"""What a configuration needs of the vrrp worker beyond VRRP itself: most need none of it, and load none of it."""

from __future__ import annotations

from pyvrrp.model.config import Config


def tracks(config: Config) -> bool:
    """Is there anything to find out, other than what netlink tells?"""
    polls = config.global_defs.vrrp is not None and config.global_defs.vrrp.linkbeat_use_polling
    return (
        polls
        or bool(config.linkbeat_interfaces)
        or any(
            i.track_script or i.track_file or i.track_process or i.track_bfd or i.linkbeat_use_polling
            for i in config.vrrp_instances
        )
    )


def changes(config: Config) -> bool:
    """Does it want devices of its own, or other settings in the kernel?"""
    silent = config.global_defs.vrrp is not None and config.global_defs.vrrp.disable_local_igmp
    return silent or any(i.vmacs or i.promote_secondaries for i in config.vrrp_instances)


def tells(config: Config) -> bool:
    """Does anybody want to hear of it?"""
    definitions = config.global_defs
    wishes = [i.notify for i in config.vrrp_instances] + [g.notify for g in config.vrrp_sync_groups]
    return definitions.fifos is not None or definitions.mail is not None or any(wishes)
