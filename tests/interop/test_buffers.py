"""Sizes of receive buffers: what the sockets of the running process have, ours and keepalived's."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import Lab, instance

pytestmark = pytest.mark.root

ANY = pytest.mark.parametrize("program", [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)])
PIDFD_GETFD = 438


def receive_buffers(pid: int) -> set[int]:
    """Of its raw sockets, as the kernel counts: twice what was asked for."""
    libc = ctypes.CDLL(None, use_errno=True)
    sizes: set[int] = set()
    process = os.pidfd_open(pid)
    for name in os.listdir(f"/proc/{pid}/fd"):
        copy = libc.syscall(PIDFD_GETFD, process, int(name), 0)
        if copy < 0:
            continue
        with contextlib.suppress(OSError), socket.socket(fileno=copy) as one:
            copy = -1
            if one.family == socket.AF_INET and one.type == socket.SOCK_RAW:
                sizes.add(one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        if copy >= 0:
            os.close(copy)
    os.close(process)
    return sizes


@ANY
@pytest.mark.parametrize(
    ("definitions", "more", "size"),
    [
        ("", "kernel_rx_buf_size 20000", 40000),
        ("vrrp_rx_bufs_policy 30000", "", 60000),
        ("vrrp_rx_bufs_policy MTU\nvrrp_rx_bufs_multiplier 5", "", 15000),
    ],
    ids=["instance", "number", "mtu"],
)
def test_receive_buffers(lab: Lab, program: str, definitions: str, more: str, size: int) -> None:
    lab.start("d1", program, f"global_defs {{\n{definitions}\n}}\n", instance(priority=150, more=more))
    lab.until_master("d1")
    assert size in receive_buffers(int((lab.directory / "d1.vrrp.pid").read_text()))
