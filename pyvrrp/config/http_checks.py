"""The urls of HTTP_GET and SSL_GET, and the SSL block."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Final

from pyvrrp.config.commands import split_command
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import UINT_MAX, parse_integer
from pyvrrp.config.suggest import did_you_mean
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values, flag, integer, scalars, text
from pyvrrp.errors import Severity
from pyvrrp.model.checkers import HttpVersion, Pattern, TlsFiles, Url

VERSIONS: Final[Mapping[str, HttpVersion]] = {
    "1.0": HttpVersion.HTTP_1_0,
    "1.0C": HttpVersion.HTTP_1_0_CLOSE,
    "1.0c": HttpVersion.HTTP_1_0_CLOSE,
    "1.1": HttpVersion.HTTP_1_1,
}
STATUS: Final = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
DIGEST: Final = re.compile(r"[0-9a-fA-F]{32}")
OPTIONS: Final = frozenset({"caseless", "dotall", "extended", "multiline"})
"""The regex_options that Python's re has, too."""
WITHOUT_EFFECT: Final = frozenset(
    {
        "auto_callout",
        "match_unset_backref",
        "never_backslash_c",
        "never_ucp",
        "never_utf",
        "no_auto_possess",
        "no_dotstar_anchor",
        "no_start_optimize",
        "use_offset_limit",
    }
)
"""Those that change nothing for a pattern that is accepted."""
OTHERS: Final = frozenset(
    {
        "allow_empty_class",
        "alt_bsux",
        "alt_circumflex",
        "alt_verbnames",
        "dollar_endonly",
        "dupnames",
        "firstline",
        "no_auto_capture",
        "ucp",
        "ungreedy",
        "utf",
    }
)
"""Those of PCRE2 that Python's re does not have."""


def build_tls(block: Statement) -> TlsFiles:
    values = scalars(block)
    return TlsFiles(**{word: text(values, word) for word in ("ca", "certificate", "key", "password")})


def build_urls(block: Statement, own: Values, inherited: Values, outer: Values, problems: Problems) -> tuple[Url, ...]:
    """Those that have a path. `inherited`: of the real server, else the virtual server; `outer`: of that alone."""
    built = []
    sni = own.get("sni_name")
    for child in block.children:
        if child.words[0] != "url":
            continue
        values = scalars(child)
        path = text(values, "path")
        if path is None:
            continue  # told where the block ends
        hosts = [text(values, "virtualhost"), text(own, "virtualhost")]
        # keepalived leaves out the real server's where it looks for a name for SNI.
        name = next((host for host in (text(own, "sni_name"), *hosts, text(outer, "virtualhost")) if host), None)
        built.append(
            Url(
                path=path,
                host=next((host for host in (*hosts, text(inherited, "virtualhost")) if host), None),
                status=_status(child, problems) or ((200, 299),),
                digest=_digest(child, problems),
                pattern=_pattern(child, values, problems),
                server_name=name if flag(own, "enable_sni") or sni is not None else None,
                close_notify=flag(values, "tls_compliant", flag(own, "tls_compliant")),
            )
        )
    return tuple(built)


def _status(url: Statement, problems: Problems) -> tuple[tuple[int, int], ...]:
    ranges = []
    for child in url.children:
        if child.words[0] != "status_code":
            continue
        for at, word in enumerate(child.words[1:], 1):
            match = STATUS.fullmatch(word)
            if match and int(match[1]) <= int(match[2] or match[1]):
                ranges.append((int(match[1]), int(match[2] or match[1])))
            else:
                message = f"`{word}` is neither a status code (100 to 599) nor a range of them"
                problems.error(child.line, message, "it is not accepted as a status", word=at)
    return tuple(ranges)


def _digest(url: Statement, problems: Problems) -> str | None:
    found = None
    for child in url.children:
        if child.words[0] != "digest" or not isinstance(child.value, str):
            continue
        if found is not None:
            problems.error(child.line, "the url has a digest already", "this second one is ignored", word=0)
        elif DIGEST.fullmatch(child.value):
            found = child.value.lower()
        else:
            message = "a digest is 32 hexadecimal digits (`curl -s URL | md5sum`)"
            problems.error(child.line, message, "the content is not compared", word=1)
    return found


def _pattern(url: Statement, values: Values, problems: Problems) -> Pattern | None:
    lines = {child.words[0]: child for child in url.children}
    if (line := lines.get("regex")) is None or len(line.words) < 2:
        return None
    # Cut like a command, so that quotes of both kinds hold it together.
    words = split_command(line.line.text)
    if words is None or len(words) < 2:
        problems.error(line.line, "a quote in the regex is not closed", "the content is not compared with it", word=1)
        return None
    options = []
    for at, word in enumerate(lines["regex_options"].words[1:] if "regex_options" in lines else (), 1):
        if word in OTHERS:
            message = f"the regex option `{word}` is accepted, but not active in this version"
            problems.inactive(lines["regex_options"].line, message, "the regex is used without it", word=at)
        elif word not in OPTIONS | WITHOUT_EFFECT:
            suggestion = did_you_mean(word, OPTIONS | WITHOUT_EFFECT | OTHERS)
            message = f"`{word}` is no option of a regex"
            place = lines["regex_options"].line
            problems.add(place, Severity.ERROR, message, word=at, suggestion=suggestion)
            continue
        options.append(word)
    least, most = integer(values, "regex_min_offset", 0), values.get("regex_max_offset")
    most = most if isinstance(most, int) else None
    if most is not None and most < least:
        message = f"regex_min_offset {least} is more than regex_max_offset {most}"
        problems.add(line.line, Severity.ERROR, message, "both are ignored")
        least, most = 0, None
    pattern = Pattern(
        regex=words[1],
        options=tuple(options),
        wanted=not flag(values, "regex_no_match"),
        min_offset=least,
        max_offset=most,
        stack=_stack(lines.get("regex_stack"), problems),
    )
    if (reason := _wrong(pattern)) is not None:
        message = f"the regex cannot be used: {reason}"
        problems.add(line.line, Severity.ERROR, message, "the content is not compared with it", word=1)
        return None
    return pattern


def _stack(line: Statement | None, problems: Problems) -> tuple[int, int] | None:
    if line is None or len(line.words) < 2:
        return None
    numbers = [number for word in line.words[1:] if isinstance(number := parse_integer(word, 1, UINT_MAX), int)]
    if len(line.words) != 3 or len(numbers) != 2 or numbers[0] > numbers[1]:
        message = "regex_stack takes two numbers, the second at least the first"
        problems.add(line.line, Severity.ERROR, message, word=1)
        return None
    return numbers[0], numbers[1]


def _wrong(pattern: Pattern) -> str | None:
    """What Python's re, which is not PCRE, has against it."""
    with warnings.catch_warnings():
        # What PCRE takes for a class of characters ([[:alpha:]]), re only warns of.
        warnings.simplefilter("error")
        try:
            re.compile(pattern.regex.encode(errors="surrogateescape"))
        except (re.error, Warning, RecursionError, OverflowError) as error:
            return str(error)
    return None
