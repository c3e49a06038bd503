"""A long transfer says how far it is."""

import pytest

from artifacts.storage import Progress
from cli import transfers


def progress(size: int, total: int) -> Progress:
    return Progress(files=0, files_total=1, size=size, size_total=total)


@pytest.mark.parametrize(
    ("size", "total", "seconds", "line"),
    [
        (0, 1_000, 0.0, "copied 0 of 1,000 bytes (0%)"),
        (0, 0, 1.0, "copied 0 of 0 bytes (100%)"),
        (250, 1_000, 0.0, "copied 250 of 1,000 bytes (25%)"),
        (
            250_000_000,
            1_000_000_000,
            2.5,
            "copied 250,000,000 of 1,000,000,000 bytes (25%), 100.0 MB/s, 8 s left",
        ),
        (10**9, 10**11, 10.0, "copied 1,000,000,000 of 100,000,000,000 bytes (1%), 100.0 MB/s, 16 min left"),
        (
            10**9,
            10**12,
            10.0,
            "copied 1,000,000,000 of 1,000,000,000,000 bytes (0%), 100.0 MB/s, 2 h 46 min left",
        ),
    ],
)
def test_bytes_rate_and_time_left_are_on_one_line(size: int, total: int, seconds: float, line: str) -> None:
    assert transfers.progress_line("copied", progress(size, total), seconds) == line


def test_a_log_gets_a_line_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("cli.transfers.time.monotonic", lambda: now[0])
    report = transfers.transfer_reporter("copied")
    for second in range(1, 101):
        now[0] = float(second)
        report(progress(second, 1_000))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" of ")[0] for line in lines] == ["copied 30", "copied 60", "copied 90"]
