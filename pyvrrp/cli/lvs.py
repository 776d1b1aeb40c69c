"""``pyvrrp lvs diff``: where IPVS does not hold what the daemon wants there.

Exit status:

====== =====================================================================================
0      IPVS holds what it should
1      it does not, or there is no IPVS
2      wrong command line, or several daemons run and it does not say which one is meant
3      no daemon runs
4      the daemon's socket is not for this user
5      the daemon does not answer, or is of another release
====== =====================================================================================
"""

from __future__ import annotations

import json
import sys
from typing import Final

from pyvrrp.cli.show import ADVICE, STATUS, failed
from pyvrrp.core.lvs.snapshot import Difference, LvsSnapshot
from pyvrrp.observe.codec import to_json
from pyvrrp.observe.control import SOCKET_DIRECTORY, ControlError
from pyvrrp.observe.layout import Column, Piece, Row, plain, table
from pyvrrp.observe.selection import find

DIFFERENT: Final = 1
_COLUMNS: Final = (Column("SERVICE"), Column("SERVER"), Column("WANTED"), Column("PRESENT"))


def diff(
    *,
    json_output: bool = False,
    socket: str | None = None,
    netns: str | None = None,
    directory: str = SOCKET_DIRECTORY,
) -> int:
    """Print wanted against present. Returns the exit status."""
    try:
        lvs = find(path=socket, netns=netns, directory=directory).picture.lvs
    except ControlError as error:
        return failed(str(error), STATUS[type(error)], ADVICE.get(type(error)))
    if lvs is None:
        return failed("the daemon has no checkers worker, or it does not answer: pyvrrp show lvs", DIFFERENT)
    found = differences(lvs)
    if json_output:
        sys.stdout.write(json.dumps([to_json(difference) for difference in found], indent=2) + "\n")
    elif found:
        sys.stdout.write(plain(table(_COLUMNS, [_row(difference) for difference in found], None)))
    if lvs.ipvs_problem or not lvs.ipvs_ready:
        return failed(f"nothing is balanced: {lvs.ipvs_problem or 'IPVS is not ready'}", DIFFERENT)
    return DIFFERENT if found else 0


def differences(lvs: LvsSnapshot) -> list[Difference]:
    """Of all virtual servers; a service that several want is told once."""
    return list(dict.fromkeys(difference for service in lvs.virtual_servers for difference in service.drift))


def _row(difference: Difference) -> Row:
    cells = (difference.service, difference.destination or "", difference.wanted or "-", difference.present or "-")
    return Row([Piece(cell) for cell in cells])
