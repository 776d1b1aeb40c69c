"""What `keepalived -t` makes of a configuration, and what we make of it: the exit status.

keepalived 2.2.7 kills itself under -t if it is not process 1 (acassen/keepalived#2587), so it runs in a process
namespace of its own; and in a network namespace with the interfaces that the configurations name. The
configurations are in verdicts.txt.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvrrp.cli.check import examine
from pyvrrp.config import exit_status
from tests.topology.net import Host, inside
from tests.unit.config.reference import TEXT

pytestmark = [pytest.mark.root, pytest.mark.keepalived]

SAMPLES = Path("/usr/share/doc/keepalived/samples")
INSTANCE = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\n%s\nvirtual_ipaddress {\n10.0.0.1/24\n}\n}\n"
SECURE = "global_defs {\nenable_script_security\nscript_user root\n}\n"
SERVER = """\
virtual_server 10.0.0.1 80 {
lb_algo rr
lb_kind NAT
protocol TCP
%s
real_server 10.0.0.2 80 {
%s
}
}
"""
TRACKED = """\
vrrp_script sw {
script /bin/true
weight 5
}
track_file f {
file /tmp/f
}
track_file fw {
file /tmp/f
weight 3
}
vrrp_track_process pw {
process sshd
weight 7
}
"""
GROUP = (
    INSTANCE + INSTANCE.replace(" V ", " W ").replace("id 5", "id 6") + "vrrp_sync_group G {\ngroup {\nV W\n}\n%s\n}\n"
)
AROUND = {
    "K": SECURE + "vrrp_script s {\nscript /bin/true\n%s\n}\n" + INSTANCE % "track_script {\ns\n}",
    "P": "vrrp_track_process p {\n%s\n}\n" + INSTANCE % "track_process {\np\n}",
    "Q": "track_file f {\n%s\n}\n" + INSTANCE % "track_file {\nf\n}",
    "M": SECURE + TRACKED + GROUP % ("%s", "", ""),
    "N": SECURE + TRACKED + GROUP % ("", "", "%s"),
    "O": SECURE + TRACKED + GROUP % ("priority 255", "", "%s"),
    "V": INSTANCE,
    "G": "global_defs {\n%s\n}\n" + INSTANCE % "",
    "S": SERVER % ("%s", ""),
    "R": SERVER % ("", "%s"),
    "T": SERVER % ("", "TCP_CHECK {\n%s\n}"),
    "U": SERVER % ("", "UDP_CHECK {\n%s\n}"),
    "F": "%s\n",
}


def cases() -> Iterator[tuple[str, str]]:
    kind = ""
    for line in (Path(__file__).parent / "verdicts.txt").read_text().splitlines():
        if line.startswith("["):
            kind = line[1]
        elif line and not line.startswith("# "):
            yield kind, "" if line == "(nothing)" else line


# What keepalived says, what we say, and why that is right.
NEWER = "keepalived 2.4 knows it"
SKIPS = "keepalived skips the word behind inet and inet6, which it advises to write"
REACHED = "IPv4 may be reached over IPv6 (RFC 5549)"
CRASH = "keepalived crashes"
WITHOUT_INTERFACE = "vrrp_instance V {; virtual_router_id 5; unicast_src_ip 192.0.2.2; unicast_peer {; 192.0.2.9; }"
WITHOUT_INTERFACE += "; virtual_ipaddress {; 10.0.0.1 dev eth0; }; }"
DIFFERENT = [
    ("V", "owner_ignore_adverts", 5, 0, NEWER),
    ("G", "json_version 2", 5, 0, NEWER),
    ("G", "snmp_vs_stats_update_interval 1", 5, 0, NEWER),
    ("R", "SSL_GET {; tls_compliant; url {; path /; }; }", 5, 0, NEWER),
    ("R", "SSL_GET {; tls_verify; url {; path /; }; }", 5, 0, "our own"),
    ("G", "vrrp_owner_ignore_adverts", 5, 0, NEWER),
    ("G", "vrrp_ipsets", 5, 0, NEWER),
    ("V", "nopreempt; timer_expired_backup", 5, 0, NEWER),
    ("V", "version 3; v3_checksum_as_v2", 5, 0, NEWER),
    ("V", f"auth_hmac {{; key 1 {32 * 'k'}; active_key 1; }}", 5, 0, NEWER),
    ("F", WITHOUT_INTERFACE, 5, 0, NEWER),
    ("G", "vrrp_skip_check_adv_addr foo", 0, 5, "2.2.7 does not look at the word, 2.4 refuses it"),
    ("U", "payload 00ff", 5, 0, "2.2.7 refuses valid digits"),
    ("V", "virtual_routes {; inet6 2001:db8::/64 dev eth0; }", 5, 0, SKIPS),
    ("V", "virtual_routes {; all inet6 dev eth0; }", 5, 0, SKIPS),
    ("V", "virtual_rules {; inet6 from default table 5 preference 5; }", 5, 0, SKIPS),
    ("V", "virtual_routes {; 10.9.0.0/16 via inet6 fe80::1 dev eth0; }", 5, 0, REACHED),
    ("V", "virtual_routes {; 10.9.0.0/16 no_track nexthop via inet6 fe80::1 dev eth0; }", 5, 0, REACHED),
    (
        "V",
        "virtual_routes {; 10.9.0.0/16 dev eth0 vrf eth1; }",
        5,
        0,
        "what is no VRF shows when the route is added",
    ),
    ("V", "virtual_rules {; sport 80 table 5 preference 5; }", 5, 0, "2.2.7 refuses a single port"),
    ("V", "virtual_rules {; sport 80-99999 table 5 preference 5; }", 0, 5, "there is no such port"),
    ("V", "virtual_rules {; dport 80-90x table 5 preference 5; }", 0, 5, "2.2.7 does not look at the rest"),
    ("R", "DNS_CHECK {; name a.b; }", 5, 0, "2.2.7 finds an empty label in it, 2.4 does not"),
    ("R", "HTTP_GET {; }", -11, 5, CRASH),
    ("F", "virtual_server_group G {; fwmark 0; }", 0, 0, "no packet has mark 0: told, and left out"),
    ("F", "virtual_server_group G {; 2001:db8::/64 80; }", 0, 0, "2^64 services: told, and left out"),
    ("F", "virtual_server_group G {; 10.0.0.1 80; }; virtual_server group {; }", -11, 5, CRASH),
    ("F", "virtual_server fwmark {; lb_algo rr; real_server 10.0.0.2 80 {; }; }", -11, 5, CRASH),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keepalived.conf"


def theirs(host: Host, file: Path) -> tuple[int, str]:
    """Exit status, and what was said."""
    command = ["unshare", "--pid", "--fork", "keepalived", "-t", "-l", "-n", "-f", str(file)]
    done = subprocess.run(host.command(*command), capture_output=True, cwd=file.parent, check=False, timeout=30)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def ours(host: Host, file: Path) -> tuple[int, list[str]]:
    with inside(host.namespace):
        problems = examine(str(file))
    return exit_status(problems), [f"{p.span.line}: {p.severity}: {p.message} ({p.effect})" for p in problems]


def text(kind: str, body: str) -> str:
    return AROUND[kind] % body.replace("; ", "\n")


@pytest.mark.parametrize(("kind", "body"), list(cases()))
def test_the_verdict_is_keepaliveds(host: Host, file: Path, kind: str, body: str) -> None:
    file.write_text(text(kind, body))
    status, said = theirs(host, file)
    assert ours(host, file)[0] == status, (said, ours(host, file)[1])


@pytest.mark.parametrize(("kind", "body", "status", "own", "why"), DIFFERENT)
def test_where_the_verdicts_differ_it_is_on_purpose(
    host: Host, file: Path, kind: str, body: str, status: int, own: int, why: str
) -> None:
    file.write_text(text(kind, body))
    assert theirs(host, file)[0] == status, why
    assert ours(host, file)[0] == own, why


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace(" {", "\n{"),
        TEXT.replace("nb_get_retry", "retry"),
        TEXT.replace("bond1", "bond7"),
        TEXT.rpartition("}")[0],
        TEXT + "}\n",
        TEXT.replace("TCP_CHECK", "TCP_CHEK"),
        TEXT.replace("authentication", "authentification"),
        TEXT.replace("auth_pass 1111", "auth_pass 0123456789abcdef"),
        TEXT.replace("interface bond1", "interface\u00a0bond1"),
        TEXT.replace("virtual_router_id 222", "virtual_router_id"),
        "\ufeff" + TEXT,
        "",
        "\n\n# nothing\n",
    ],
)
def test_the_reference_configuration_and_its_mishaps(host: Host, file: Path, content: str) -> None:
    file.write_bytes(content.encode())
    status, said = theirs(host, file)
    assert ours(host, file)[0] == status, (said, ours(host, file)[1])


def test_a_file_that_is_not_there(host: Host, file: Path) -> None:
    assert theirs(host, file)[0] == ours(host, file)[0] == 0
    file.write_text("use_pid_dir\n")
    file.chmod(0o755)
    assert theirs(host, file)[0] == ours(host, file)[0] == 0


@pytest.mark.parametrize("sample", sorted(p for p in SAMPLES.glob("*") if p.is_file()), ids=lambda path: path.name)
def test_the_samples_of_debians_package(host: Host, sample: Path) -> None:
    status, said = theirs(host, sample)
    assert ours(host, sample)[0] == status, (said, ours(host, sample)[1])
