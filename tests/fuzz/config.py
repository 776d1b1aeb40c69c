"""A coverage-guided fuzzer of the configuration's reader: any bytes give problems, never an exception, and soon.

    .venv/bin/python -m tests.fuzz.config [-max_total_time=600] [-workers=2 -jobs=2] [DIRECTORY]

Inputs that reach something new go into DIRECTORY; the corpus in tests/fuzz/corpus and the language's small files are
where it starts. What it finds it leaves in ``crash-...`` or ``timeout-...``; give that file as the argument to see it
again. Options are libFuzzer's; the package is atheris (extra ``fuzz``).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pyvrrp.config"]):
    from pyvrrp.config import exit_status, load
    from pyvrrp.config.schema import schema

from tests.unit.config.files import source
from tests.unit.config.language import RULES
from tests.unit.config.reference import TEXT

CORPUS = Path(__file__).parent / "corpus"
LENGTH = 4096
TIMEOUT = 10
"""Seconds for one input."""


def one(data: bytes) -> None:
    expanded = source(data, "host", one="include keepalived.conf\nfoo\n")
    loaded = load(expanded)
    assert exit_status(loaded.problems) in (0, 2, 4, 5, 6)


def seeds(directory: Path) -> None:
    """What is known to be interesting, as files."""
    texts = [TEXT, *(text for cases in RULES.values() for text, _ in cases)]
    for at, text in enumerate(texts):
        (directory / f"seed-{at}").write_text(text)


def dictionary(file: Path) -> None:
    words = {word for table in schema().values() for word in table}
    marks = [
        "~SEQ(A,3)",
        "~LST(A,b,c)",
        "$A=",
        "${A}",
        "${_RANDOM 1 2}",
        "include ",
        "@host ",
        "{\\x0a",
        "}\\x0a",
        "\\x0a",
    ]
    file.write_text("".join(f'"{word}"\n' for word in (*sorted(words), *marks) if '"' not in word))


def main() -> None:
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    inputs = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    with tempfile.TemporaryDirectory() as directory:
        grown = Path(directory, "grown")
        words = Path(directory, "words")
        grown.mkdir()
        seeds(grown)
        dictionary(words)
        limits = [f"-max_len={LENGTH}", f"-timeout={TIMEOUT}", f"-dict={words}"]
        where = inputs or [str(grown)]
        if not inputs or Path(inputs[0]).is_dir():
            where += [str(grown), str(CORPUS)] if inputs else [str(CORPUS)]
        atheris.Setup([sys.argv[0], *limits, *options, *where], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
