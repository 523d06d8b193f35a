"""Cells of comma-separated values: nothing that a spreadsheet runs, and what is harmless stays as it is."""

import csv
import io
import time

import pytest

from connectors_sdk.connectors.internal_export_file import csv_row
from connectors_sdk.connectors.internal_export_file.cells import neutralised


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "@SUM(A1)",
        "+1 555 (0)",
        "＝1",
        "\u00a0=1",
        "\ufeff=1",
        "\u200b\u2060@a",
        "\t1",
        "\n1",
    ],
)
def test_what_begins_like_a_formula(text: str) -> None:
    assert neutralised(text) == f"'{text}"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("written_with", [",", ";", "\t"])
@pytest.mark.parametrize(
    "formula", ["=cmd|' /C calc'!A0", "@SUM(A1)", "-2+3+cmd|' /C calc'!A0", "=1+1"]
)
def test_whoever_reads_with_another_delimiter_gets_no_formula_either(
    written_with: str, delimiter: str, formula: str
) -> None:
    cells = [f"x{mark}{formula}" for mark in (",", ";", "\t", "|", "; ")]
    cells.append(f"line\n{formula}")
    marks = (
        f"{quote}{mark}{quote}" for mark in ",;\t|\n" for quote in ('"', ' "', "'")
    )
    cells += [f'a{mark}{formula}","' for mark in marks]
    cells += [f'","{formula}","', f'x,"{formula}', f'"\n"{formula}', f'a\t"{formula}']
    row = csv_row(["Malware", *cells, "end"], written_with)
    read = csv.reader(io.StringIO(row, newline=""), delimiter=delimiter)
    for cell in (cell for line in read for cell in line):
        begins = cell.strip(' \t"')
        assert not begins.startswith(("=", "@")), cell
        # Without what it would start, it is arithmetic.
        assert not (begins.startswith("-2") and "|" in begins), cell


@pytest.mark.parametrize(
    "text", ["x,-1 +cmd|'/C'!A0", "a\n- cmd|'/C'!A0", "x;- SUM(A1)"]
)
def test_what_is_called_may_stand_after_white_space(text: str) -> None:
    assert neutralised(text) == text.replace("-", "'-", 1)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a\x00b", "a\ufffdb"),
        ("\v=1", "'\ufffd=1"),
        ("\x1b[1m", "\ufffd[1m"),
        ("x,\x00=1", "x,\ufffd=1"),
        ("a\tb\r\nc", "a\tb\r\nc"),
    ],
)
def test_control_characters_are_replaced(text: str, cell: str) -> None:
    assert neutralised(text) == cell


@pytest.mark.parametrize(
    "part", ["\t", "\n", "|-", "|-a", "\t-a", ";-a(", '";', "\n-1", ";+", "' "]
)
def test_no_text_takes_longer_than_its_length(part: str) -> None:
    began = time.process_time()
    neutralised("(" + part * 200_000)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "text",
    [
        "-5",
        "+12,5",
        "steps:\n- first (of two)\n- second",
        "PLantern; -lamp",
        "https://maps.example/?ll=51.5,-0.12&z=1",
        "CVE-2026-0001, CVE-2026-0002",
        "mail@example.org",
        "a=b",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert neutralised(text) == text
