"""Progress on standard error."""

from __future__ import annotations

import pytest
from fakes import Clock

from ocellus.cli.progress import PLAIN_EVERY_S, ProgressLine, duration


def test_a_terminal_has_one_line_rewritten(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "10")
    line = ProgressLine()
    line.show("one")
    line.show("two, which is long")
    line.end()
    assert capsys.readouterr().err == "\r\x1b[Kone\r\x1b[Ktwo, whic\n"


def test_elsewhere_lines_come_now_and_then_and_the_last_always(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    line = ProgressLine(clock)
    for text in ("one", "two", "three"):
        line.show(text)
    clock.now += PLAIN_EVERY_S
    line.show("four")
    line.show("five")
    line.end()
    line.end()
    assert capsys.readouterr().err == "one\nfour\nfive\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (4800, "1 h 20 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
