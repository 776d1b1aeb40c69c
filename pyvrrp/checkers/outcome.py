"""How a check ends that does not end well; one that simply returns was passed."""

from __future__ import annotations


class CheckFailed(Exception):  # noqa: N818 - an outcome, not an error
    """The server did not pass; the text says why."""


class CheckNotStarted(Exception):  # noqa: N818
    """The check could not be made at all, which says nothing about the server; the text says why."""
