"""``pyvrrp``: the operator's command. Each subcommand is loaded when it is called, so that none pays for the others."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pyvrrp import __version__

app = typer.Typer(
    name="pyvrrp",
    help="Look at VRRP failover and LVS load balancing, and check configurations. The daemon is pyvrrpd.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
SHOW_HELP = """Show what a running daemon does: its VRRP instances, sync groups, virtual and real servers.

NAME is "vrrp", "lvs", or one thing to be told in full: a VRRP instance, a sync group, a virtual server (its
address 192.0.2.10:15000 or keepalived's name for it) or a real server. Of addresses the port may be left out.

Of several daemons, the one in this network namespace is asked; --netns and --socket choose another.
"""
SHOW_STATUS = (
    "Exit status: 0 shown; 1 nothing has that NAME; 2 wrong command line, or several daemons and none chosen;"
    " 3 no daemon runs; 4 not permitted; 5 the daemon does not answer, or is of another release."
)
DIFF_HELP = """Tell where the kernel's IPVS table does not hold what the daemon wants there: wanted against present.

The daemon puts it right by itself within some seconds, so that a difference that stays is one that IPVS refuses.
"""
DIFF_STATUS = (
    "Exit status: 0 all is as it should be; 1 it is not, or there is no IPVS; 2 wrong command line, or several daemons"
    " and none chosen; 3 no daemon runs; 4 not permitted; 5 the daemon does not answer, or is of another release."
)
PROBE_HELP = """Make the health checks of a configuration once, now, and tell how each ended, how long it took and why.

Nothing is changed: no daemon needs to run, and none is asked. Scripts of MISC_CHECKs are run.
"""
PROBE_STATUS = "Exit status: 0 all passed; 1 some did not; 2 nothing to check; 3 the configuration cannot be used."
GENHASH_HELP = "Print the MD5 digest of a page, for `digest` in a url block (keepalived's genhash; -h says more)."
CHECK_HELP = """Tell what is wrong with a configuration, all at once: where, what the daemon does about it, what
was meant.

With --against tell instead what keeps the directors of two configurations from being a pair.
"""
CHECK_STATUS = (
    "Exit status: that of keepalived -t: 0 nothing that keepalived complains of; 2 a keyword lacks its argument;"
    " 4 or 5 other complaints; 6 script security, or the file or an include that must exist is missing."
    " With --strict 5 for any problem but a notice. With --against 1 if the two do not make a pair."
)
CONFIG_HELP = """Print the configuration as the daemon takes it, as a keepalived.conf: includes, parameters, conditions
and repeats expanded, defaults filled in, what is refused left out, secrets masked.
"""
CONFIG_STATUS = "Exit status: that of pyvrrp check."
EXPLAIN_HELP = """Explain a keyword of keepalived.conf: argument, range, default, meaning, and whether it is active.

Without KEYWORD all keywords are listed.
"""
EXPLAIN_STATUS = "Exit status: 0 explained; 1 there is no such keyword; 2 wrong command line."
SIMULATE_HELP = """Play directors of real configuration files against each other on a virtual network.

Each FILE is one director, called by its file's or directory's name; NAME=FILE calls it otherwise. Without a scenario
they are shown around: the best one crashes, returns, is cut off, found again, stopped.

A scenario has a step a line, "at 10s crash a"; docs/simulate.md lists all steps and says exactly what the protocol's
own window is. With --fail NAME instead: who would be master if that tracker or interface failed.
"""
SIMULATE_STATUS = (
    "Exit status: 0 fine; 1 outside of the protocol's own window an address had two masters, or none although a"
    " healthy, connected director existed (with --fail: nobody would be master); 2 wrong command line, scenario or"
    " configuration."
)
RECORD_HELP = """Have a running daemon record all that happens to a worker, for pyvrrp replay and bug reports.

Passwords and keys are masked. The file must not exist yet; it is readable by root alone.
"""
RECORD_STATUS = "Exit status: 0 done; 1 the daemon refuses, or none answers; 2 wrong command line."
REPLAY_HELP = """Play a recording through the same machine, and show each decision with its reason.

Shown is what changed something; --all shows each deadline and each advertisement too.
"""
REPLAY_STATUS = (
    "Exit status: 0 played; 1 with --verify: the decisions are not those that were recorded; 2 no recording, or one"
    " that this release cannot play."
)
SNIFF_HELP = """Show VRRP, gratuitous ARP and neighbor advertisements on the wire, and who is master of what in the end.

Without IFACE on all devices. With --config FILE each advertisement is judged as the daemon with that file would: why it
would be refused, and by which instance. The password of PASS is not shown.
"""
SNIFF_STATUS = (
    "Exit status: 0 seen; 1 with --config: some would be refused; 2 wrong command line, no permission, no capture."
)
DEFAULT_CONFIG = "/etc/keepalived/keepalived.conf"


Socket = Annotated[str | None, typer.Option(metavar="PATH", help="Ask the daemon that listens there.")]
Netns = Annotated[str | None, typer.Option(metavar="NAME", help="Ask the daemon in that network namespace.")]
ConfigFile = Annotated[str, typer.Argument(metavar="FILE", help="The configuration; a glob is allowed.")]
ConfigId = Annotated[
    str | None,
    typer.Option("--config-id", "-i", metavar="ID", help="What @ID lines compare with; the host's name if left out."),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pyvrrp {__version__}")
        raise typer.Exit


@app.callback()
def pyvrrp(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(help=SHOW_HELP, epilog=SHOW_STATUS)
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="vrrp|lvs|NAME", help="What to show; everything if left out.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch",
            "-w",
            min=0.1,
            metavar="[SECONDS]",
            help="Show it live, every second or so many seconds, with rates; Ctrl-C ends it.",
        ),
    ] = None,
    socket: Socket = None,
    netns: Netns = None,
) -> None:
    from pyvrrp.cli.show import show as run

    raise typer.Exit(run(name, json_output=json_output, watch=watch, socket=socket, netns=netns))


lvs = typer.Typer(name="lvs", help="Look at the kernel's IPVS table.", no_args_is_help=True)
app.add_typer(lvs)


@lvs.command(help=DIFF_HELP, epilog=DIFF_STATUS)
def diff(
    json_output: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    socket: Socket = None,
    netns: Netns = None,
) -> None:
    from pyvrrp.cli.lvs import diff as run

    raise typer.Exit(run(json_output=json_output, socket=socket, netns=netns))


@app.command(help=CHECK_HELP, epilog=CHECK_STATUS)
def check(
    path: ConfigFile = DEFAULT_CONFIG,
    json_output: Annotated[bool, typer.Option("--json", help="JSON, one line.")] = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="SARIF 2.1.0, for code hosts and editors.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings make a status other than 0, too.")] = False,
    against: Annotated[
        str | None, typer.Option(metavar="OTHER", help="Compare with the other director's configuration.")
    ] = None,
    config_id: ConfigId = None,
) -> None:
    from pyvrrp.cli.check import check as run

    status = run(path, json_output=json_output, sarif=sarif, strict=strict, config_id=config_id, against=against)
    raise typer.Exit(status)


@app.command(help=CONFIG_HELP, epilog=CONFIG_STATUS)
def config(
    path: ConfigFile = DEFAULT_CONFIG,
    origins: Annotated[
        bool, typer.Option("--origins", help="Say behind each line where it comes from: FILE:LINE, or default.")
    ] = False,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Do not mask passwords and keys.")] = False,
    config_id: ConfigId = None,
) -> None:
    from pyvrrp.cli.config import config as run

    raise typer.Exit(run(path, show_secrets=show_secrets, origins=origins, config_id=config_id))


def _complete_keyword(incomplete: str) -> list[str]:
    from pyvrrp.cli.explain import complete

    return complete(incomplete)


@app.command(help=EXPLAIN_HELP, epilog=EXPLAIN_STATUS)
def explain(
    keyword: Annotated[
        str | None,
        typer.Argument(
            metavar="KEYWORD", help="The keyword; all are listed if left out.", autocompletion=_complete_keyword
        ),
    ] = None,
) -> None:
    from pyvrrp.cli.explain import explain as run
    from pyvrrp.cli.explain import list_keywords

    raise typer.Exit(list_keywords() if keyword is None else run(keyword))


@app.command(help=SIMULATE_HELP, epilog=SIMULATE_STATUS)
def simulate(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="[NAME=]FILE...", help="Configurations, one a director.")],
    scenario: Annotated[
        str | None, typer.Option("--scenario", "-s", metavar="FILE", help="What happens; - reads it from stdin.")
    ] = None,
    steps: Annotated[
        list[str] | None,
        typer.Option("--at", metavar='"TIME STEP"', help='One step: --at "10s crash a". May be repeated.'),
    ] = None,
    length: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="How long: 90s, 10m, 1000h.")] = None,
    chaos: Annotated[
        int | None, typer.Option(metavar="SEED", help="Random faults; the same seed, the same faults.")
    ] = None,
    every: Annotated[str, typer.Option(metavar="DURATION", help="With --chaos: one fault so often.")] = "1m",
    fail: Annotated[
        str | None, typer.Option(metavar="[DIRECTOR:]NAME", help="Who would be master if this failed?")
    ] = None,
    timeline: Annotated[str | None, typer.Option(metavar="FILE.svg|html", help="Draw the timeline.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="JSON, one line.")] = False,
    all_rows: Annotated[bool, typer.Option("--all", help="The whole timeline, however long.")] = False,
    loss: Annotated[str, typer.Option(metavar="SHARE", help="Packets lost: 5%.")] = "0",
    delay: Annotated[str, typer.Option(metavar="DURATION", help="How long a packet takes.")] = "200us",
    jitter: Annotated[str, typer.Option(metavar="DURATION", help="And up to so much more.")] = "0",
    duplicate: Annotated[str, typer.Option(metavar="SHARE", help="Packets that arrive twice.")] = "0",
    reorder: Annotated[str, typer.Option(metavar="SHARE", help="Packets that others overtake.")] = "0",
    clocks: Annotated[
        list[str] | None,
        typer.Option("--clock", metavar="DIRECTOR=PPM", help="Its clock runs so much fast. May be repeated."),
    ] = None,
    addresses: Annotated[
        list[str] | None,
        typer.Option(
            "--address", metavar="DIRECTOR:IFACE=ADDRESS[,...]", help="An interface's own addresses. May be repeated."
        ),
    ] = None,
    segments: Annotated[
        list[str] | None,
        typer.Option(
            "--segment", metavar="NAME=DIRECTOR:IFACE,...", help="Interfaces on one segment. May be repeated."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="SEED", help="Of which packets are lost.")] = 0,
) -> None:
    from pyvrrp.cli.simulate import Wishes
    from pyvrrp.cli.simulate import simulate as run

    # Each parameter is a field of it.
    wishes = Wishes(**{name: value for name, value in context.params.items() if value is not None})
    raise typer.Exit(run(wishes))


recording = typer.Typer(help=RECORD_HELP, epilog=RECORD_STATUS, no_args_is_help=True)
app.add_typer(recording, name="record")
Role = Annotated[str, typer.Option(metavar="vrrp|checkers", help="Which worker.")]


@recording.command(name="start", help="Begin to record to FILE.", epilog=RECORD_STATUS)
def record_start(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; it must not exist.")],
    role: Role = "vrrp",
    size: Annotated[int, typer.Option(min=1, metavar="MEGABYTES", help="It ends when the file is so large.")] = 100,
    length: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="It ends after so long: 10m.")] = None,
    socket: Socket = None,
    netns: Netns = None,
) -> None:
    from pyvrrp.cli.record import start as run
    from pyvrrp.simulate.scenario import ScenarioError, duration

    try:
        limit = None if length is None else duration(length)
    except ScenarioError as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.Exit(run(file, role=role, megabytes=size, duration=limit, socket=socket, netns=netns))


@recording.command(name="stop", help="End the recording.", epilog=RECORD_STATUS)
def record_stop(role: Role = "vrrp", socket: Socket = None, netns: Netns = None) -> None:
    from pyvrrp.cli.record import stop as run

    raise typer.Exit(run(role=role, socket=socket, netns=netns))


@app.command(help=REPLAY_HELP, epilog=REPLAY_STATUS)
def replay(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The recording; - reads stdin.")],
    instance: Annotated[
        str | None, typer.Option("--instance", "-i", metavar="NAME", help="What concerns it only.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every event.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Show what differs, and nothing else.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="JSON, a line an event.")] = False,
) -> None:
    from pyvrrp.cli.replay import run

    raise typer.Exit(run(file, instance=instance, everything=everything, verify=verify, json_output=json_output))


@app.command(help=SNIFF_HELP, epilog=SNIFF_STATUS)
def sniff(
    interface: Annotated[str | None, typer.Argument(metavar="IFACE", help="The device to listen on.")] = None,
    read: Annotated[
        str | None, typer.Option("--read", "-r", metavar="FILE", help="A capture instead (pcap, pcapng); - is stdin.")
    ] = None,
    config_file: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Judge by this configuration.")
    ] = None,
    config_id: ConfigId = None,
    count: Annotated[int | None, typer.Option("--count", "-c", min=1, metavar="N", help="End after so many.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="JSON, a line each.")] = False,
    dissect: Annotated[bool, typer.Option("--dissect", "-v", help="All fields too, as scapy shows them.")] = False,
) -> None:
    from pyvrrp.cli.sniff import sniff as run

    status = run(
        interface,
        file=read,
        config=config_file,
        config_id=config_id,
        count=count,
        json_output=json_output,
        dissect=dissect,
    )
    raise typer.Exit(status)


@app.command(help=PROBE_HELP, epilog=PROBE_STATUS)
def probe(
    path: ConfigFile = DEFAULT_CONFIG,
    server: Annotated[
        str | None, typer.Argument(metavar="REAL_SERVER", help="Only its checks: ADDRESS or ADDRESS:PORT.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="JSON, one line.")] = False,
    config_id: ConfigId = None,
) -> None:
    from pyvrrp.cli.probe import probe as run

    raise typer.Exit(run(path, server, json_output=json_output, config_id=config_id))


@app.command(
    help=GENHASH_HELP,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
)
def genhash(context: typer.Context) -> None:
    from pyvrrp.cli.genhash import run

    raise typer.Exit(run(context.args))


def main() -> None:
    """Entry point of the ``pyvrrp`` script."""
    app(args=complete_watch(sys.argv[1:]), prog_name="pyvrrp")


def complete_watch(arguments: list[str]) -> list[str]:
    """Give a ``--watch`` that no number follows its default, which the parser cannot do before a NAME."""
    completed = []
    for argument, after in zip(arguments, [*arguments[1:], ""], strict=False):
        bare = argument in ("--watch", "-w") and not after.replace(".", "", 1).isdigit()
        completed += [argument, "1"] if bare else [argument]
    return completed
