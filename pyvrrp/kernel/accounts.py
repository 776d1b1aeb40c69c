"""Whose account a script runs in."""

from __future__ import annotations

import grp
import pwd
from typing import Final

DEFAULT_ACCOUNT: Final = "keepalived_script"


def account(user: str | None, group: str | None) -> tuple[int, int] | str:
    """Uid and gid, or what is wrong. Without a user those of keepalived_script, KeyError if there is no such account.

    A ``:`` before the group asks for supplementary groups; which those are is not said here.
    """
    try:
        entry = pwd.getpwnam(DEFAULT_ACCOUNT if user is None else user)
    except KeyError:
        if user is None:
            raise
        return f"there is no user {user}"
    if group is None or not (name := group.removeprefix(":")):
        return entry.pw_uid, entry.pw_gid
    try:
        return entry.pw_uid, grp.getgrnam(name).gr_gid
    except KeyError:
        return f"there is no group {name}"
