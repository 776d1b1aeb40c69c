"""Write the man pages and the shell completions from the command lines that they describe.

    .venv/bin/python conf/make.py

A test compares what lies in conf/man and conf/completions with what this makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer._completion_shared import get_completion_script
from typer.main import get_command

from pyvrrp import __version__
from pyvrrp.cli.compat import FLAGS, Argument, Flag
from pyvrrp.cli.main import app

HERE = Path(__file__).resolve().parent

DAEMON = r""".Sh DESCRIPTION
.Nm
shares IP addresses between two or more directors by VRRP
.Pq RFC 3768 , RFC 9568 ,
and balances what comes to them over a pool of real servers
whose health it checks, in the kernel
.Pq IPVS .
It reads
.Xr keepalived.conf 5
and takes the place of
.Xr keepalived 8 :
the same file, options, signals, pid files and scripts.
A director with
.Nm
and one with keepalived can share a virtual router.
.Pp
Without
.Fl n
it goes into the background when its workers work,
and its exit status says whether they do.
.Pp
The options are keepalived's:
.Bl -tag -width Ds
{options}
.El
.Sh SIGNALS
To the daemon's own process, whose number is in its pid file:
.Bl -tag -width Ds
.It Dv SIGTERM , SIGINT
Stop: advertisements of priority 0 go out,
addresses and IPVS services are removed.
.It Dv SIGHUP
Read the configuration again.
What did not change goes on undisturbed;
a file that is damaged changes nothing.
.El
.Pp
The option
.Fl Fl signum
tells the numbers of the others.
.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/keepalived/keepalived.conf
The configuration.
.It Pa /run/keepalived.pid , /run/vrrp.pid , /run/checkers.pid
Process ids of the daemon and of its workers.
.It Pa /run/pyvrrp/PID.sock
Where
.Xr pyvrrp 1
asks.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
A clean stop; also: it runs already.
.It 1
A wrong command line, or something is missing
that a restart does not bring.
.It 2
The configuration cannot be used.
.It 4
Not permitted.
.It 6
The configuration cannot be read.
.It 70
A defect of pyvrrp; the traceback is in the log.
.El
.Pp
With
.Fl t
it is that of
.Dq keepalived -t :
0 where there is nothing to complain of.
.Sh SEE ALSO
.Xr pyvrrp 1 ,
.Xr keepalived.conf 5 ,
.Xr ipvsadm 8
"""

PEOPLE = r""".Sh DESCRIPTION
{about}
.Pp
The commands are:
.Bl -tag -width Ds
{commands}
.El
{details}
.Sh SEE ALSO
.Xr keepalived.conf 5 ,
.Xr pyvrrpd 8
"""


def head(name: str, section: int, about: str, synopsis: str) -> str:
    return (
        f'.\\" Made by conf/make.py from the command line itself: change that, not this.\n'
        f".Dd $Mdocdate$\n.Dt {name.upper()} {section}\n.Os\n.Sh NAME\n.Nm {name}\n.Nd {about}\n"
        f".Sh SYNOPSIS\n.Nm\n{synopsis}\n"
    )


def prose(text: str) -> str:
    """A sentence a line, none of which roff takes for a request."""
    flat = " ".join(text.replace("\b", " ").split())
    lines = re.split(r"(?<=[.:;]) (?=[A-Z0-9])", flat)
    return "\n".join(wrapped for line in lines for wrapped in wrap(line.replace("\\", "\\e")))


def wrap(line: str, width: int = 78) -> Iterator[str]:
    words = line.split(" ")
    current = words[0]
    for word in words[1:]:
        if len(current) + 1 + len(word) > width:
            yield current.replace("-", "\\-")
            current = word
        else:
            current += f" {word}"
    # A line that begins with a dot or a quote would be a request.
    yield ("\\&" if current[:1] in ".'" else "") + current.replace("-", "\\-")


def flag_entry(flag: Flag) -> str:
    names = f"Fl {flag.short} , " if flag.short else ""
    names += f"Fl Fl {flag.long}"
    match flag.argument:
        case Argument.REQUIRED:
            names += f" Ns = Ns Ar {flag.metavar}"
        case Argument.OPTIONAL:
            names += f" Ns Op = Ns Ar {flag.metavar}"
    return f".It {names}\n{prose(flag.help[0].upper() + flag.help[1:])}."


def daemon_page() -> str:
    options = "\n".join(flag_entry(flag) for flag in FLAGS)
    start = head("pyvrrpd", 8, "VRRP failover and LVS load balancing daemon", ".Op Ar option ...")
    return start + DAEMON.format(options=options)


def parameter_entry(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f".It Ar {parameter.metavar}\n{prose(parameter.help or '')}"
    longest_first = sorted(parameter.opts, key=len)
    names = " , ".join("Fl Fl " + o[2:] if o.startswith("--") else "Fl " + o[1:] for o in longest_first)
    metavar = "" if parameter.is_flag else f" Ar {(parameter.metavar or parameter.type.name.upper()).strip('[]')}"
    return f".It {names}{metavar}\n{prose(parameter.help or '')}"


def commands_page() -> str:
    group = get_command(app)
    entries, details = [], []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        summary, _, rest = (command.help or "").partition("\n\n")
        entries.append(f".It Cm {name}\n{prose(summary)}")
        parameters = [p for p in command.params if "--help" not in p.opts]
        shown = "\n".join(parameter_entry(parameter) for parameter in parameters)
        text = [f".Sh PYVRRP {name.upper()}", prose(f"{summary}\n{rest}")]
        if shown:
            text += [".Bl -tag -width Ds", shown, ".El"]
        if command.epilog:
            text += [".Pp", prose(command.epilog)]
        details.append("\n".join(text))
    about = (group.help or "").strip()
    start = head("pyvrrp", 1, "look at VRRP failover and LVS load balancing", ".Ar command\n.Op Ar argument ...")
    return start + PEOPLE.format(about=prose(about), commands="\n".join(entries), details="\n".join(details))


def daemon_bash() -> str:
    words = " ".join(f"--{flag.long}" for flag in FLAGS)
    files = "|".join(
        name
        for f in FLAGS
        if f.metavar in ("FILE", "LOGFILE")
        for name in (f"-{f.short}" * bool(f.short), f"--{f.long}")
        if name
    )
    return f"""# bash completion of pyvrrpd. Made by conf/make.py.
_pyvrrpd() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    case $before in
    {files}) COMPREPLY=($(compgen -f -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "{words}" -- "$current")) ;;
    esac
}}
complete -o default -F _pyvrrpd pyvrrpd
"""


def daemon_zsh() -> str:
    lines = []
    for flag in FLAGS:
        help_ = flag.help.replace("'", "'\\''").replace("[", "(").replace("]", ")").replace(":", "\\:")
        after = {Argument.NONE: "", Argument.REQUIRED: "=", Argument.OPTIONAL: "=-"}[flag.argument]
        action = ":file:_files" if flag.metavar in ("FILE", "LOGFILE") else f":{flag.metavar.lower()}:"
        lines.append(f"  '--{flag.long}{after}[{help_}]{action if after else ''}'")
    joined = " \\\n".join(lines)
    return f"#compdef pyvrrpd\n# Made by conf/make.py.\n_arguments \\\n{joined}\n"


def daemon_fish() -> str:
    lines = ["# fish completion of pyvrrpd. Made by conf/make.py."]
    for flag in FLAGS:
        help_ = flag.help.replace("'", "\\'")
        short = f" -s {flag.short}" if flag.short else ""
        required = " -r" if flag.argument is Argument.REQUIRED else ""
        lines.append(f"complete -c pyvrrpd{short} -l {flag.long}{required} -d '{help_}'")
    return "\n".join(lines) + "\n"


def people(shell: str) -> str:
    script = get_completion_script(prog_name="pyvrrp", complete_var="_PYVRRP_COMPLETE", shell=shell)
    comment = "# Made by conf/make.py.\n"
    return script.strip() + "\n" if shell == "zsh" else comment + script.strip() + "\n"


def made() -> dict[str, str]:
    """Path below conf/ to text."""
    return {
        "man/pyvrrpd.8": daemon_page(),
        "man/pyvrrp.1": commands_page(),
        "completions/pyvrrp.bash": people("bash"),
        "completions/_pyvrrp": people("zsh"),
        "completions/pyvrrp.fish": people("fish"),
        "completions/pyvrrpd.bash": daemon_bash(),
        "completions/_pyvrrpd": daemon_zsh(),
        "completions/pyvrrpd.fish": daemon_fish(),
    }


def main() -> None:
    for name, text in made().items():
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    print(f"pyvrrp {__version__}: {len(made())} files")  # noqa: T201


if __name__ == "__main__":
    main()
