"""Rows of comma-separated values that no spreadsheet takes for formulas.

Spreadsheets run cells that begin with certain characters; a name of a malware may well begin with one (CWE-1236).
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

# Some spreadsheets also take the full-width forms.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def neutralised(value: Any) -> str:
    """Return the text of a cell; what a spreadsheet would run gets an apostrophe before it.

    Args:
        value: text, number, boolean, None, or a list of such, which is joined with semicolons.
    """
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        return neutralised("; ".join(str(one) for one in value if one is not None))
    text = str(value)
    if text.startswith(_DANGEROUS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_row(values: Iterable[Any], delimiter: str = ",") -> str:
    """Return one row (RFC 4180), its end included; every cell is quoted and neutralised."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow([neutralised(value) for value in values])
    return buffer.getvalue()
