"""Rows of comma-separated values that no spreadsheet takes for formulas.

Spreadsheets run cells that begin with certain characters; a name of a malware may well begin with one (CWE-1236).
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

# Some spreadsheets also take the full-width forms, and do not mind what cannot be seen before them.
_UNSEEN = r"[\s\ufeff\u00ad\u200b-\u200f\u2060-\u2064]*"
_BEGINS = re.compile(rf"[\t\r\n]|{_UNSEEN}[=+\-@\uff1d\uff0b\uff0d\uff20]")
# Whoever reads the file with another delimiter takes parts of a cell for cells. Lists (`- item`), negative numbers and addresses
# with a sign in them stay as they are.
_AFTER_DELIMITER = re.compile(
    rf"(?<=[;,|\t])({_UNSEEN})(?=[=@\uff1d\uff20]|[+\-\uff0b\uff0d][^;,\s]*[|(!])"
    rf"|(?<=[\r\n])({_UNSEEN})(?=[=@\uff1d\uff20]|[+\-\uff0b\uff0d](?!\s|[\d.,]+\s))"
)
# Nearly all cells begin with a letter or digit and have nothing that such a part needs.
_HARMLESS = re.compile(r"[^\W_][^=@|(!\r\n\uff1d\uff20]*")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def neutralised(value: Any) -> str:
    """Return the text of a cell; what a spreadsheet would run gets an apostrophe before it, inside a cell as well.

    Args:
        value: text, number, boolean, None, or a list of such, which is joined with semicolons.
    """
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        return neutralised("; ".join(str(one) for one in value if one is not None))
    text = str(value)
    if _HARMLESS.fullmatch(text):
        return text
    if _BEGINS.match(text) and not _NUMBER.fullmatch(text):
        text = f"'{text}"
    return _AFTER_DELIMITER.sub(r"\g<0>'", text)


def csv_row(values: Iterable[Any], delimiter: str = ",") -> str:
    """Return one row (RFC 4180), its end included; every cell is quoted and neutralised."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow([neutralised(value) for value in values])
    return buffer.getvalue()
