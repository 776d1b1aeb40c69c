"""What a director's machine says of itself, a JSON object a line, until its standard input ends.

Plain Python, sent to the machine as it is: it looks from outside of the daemon, which may be pyvrrpd or keepalived.
"""

import contextlib
import itertools
import json
import os
import select
import socket
import sys

PID_FILE = "/run/keepalived.pid"
EVERY = 0.1
"""Seconds between two looks; the daemon itself is asked at each third."""


def running():
    """The daemon's process id, or nothing."""
    with contextlib.suppress(OSError, ValueError), open(PID_FILE) as file:
        pid = int(file.read())
        with open(f"/proc/{pid}/stat") as stat:
            return 0 if stat.read().rpartition(")")[2].split()[0] == "Z" else pid
    return 0


def addresses():
    """IPv4 addresses of this machine, as the kernel's routing table has them: no process has to be started for that."""
    with open("/proc/net/fib_trie") as file:
        lines = file.read().splitlines()
    return sorted({a.split()[-1] for a, b in itertools.pairwise(lines) if b.split() == ["/32", "host", "LOCAL"]})


def table():
    with contextlib.suppress(OSError), open("/proc/net/ip_vs") as file:
        return file.read()
    return ""


def picture(pid):
    """What `pyvrrp show --json` would say; nothing of a keepalived, nor of a daemon that is on its way out."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(0.5)
            line.connect(f"/run/pyvrrp/{pid}.sock")
            line.sendall(REQUEST)
            text = b""
            while not text.endswith(b"\n"):
                text += line.recv(1 << 20) or b"\n"
        said = json.loads(text)["picture"]
        instance = said["vrrp"]["instances"][0]
        servers = [r for v in (said["lvs"] or {"virtual_servers": []})["virtual_servers"] for r in v["real_servers"]]
        return {
            "state": instance["state"],
            "cause": instance["cause"],
            "since": (said["taken"] - instance["since"]) / 1e6,
            "priority": instance["effective_priority"],
            "sent": instance["stats"]["advert_sent"],
            "received": instance["stats"]["advert_rcvd"],
            "alive": {r["address"].rpartition(":")[0]: r["alive"] for r in servers},
        }
    return {}


REQUEST = sys.argv[1].encode() + b"\n"
said, turn = {}, 0
while not select.select([0], [], [], EVERY)[0]:
    pid = running()
    if turn % 3 == 0:
        said = picture(pid) if pid else {}
    turn += 1
    print(json.dumps({"running": bool(pid), "addresses": addresses(), "table": table(), "said": said}), flush=True)
os._exit(0)
