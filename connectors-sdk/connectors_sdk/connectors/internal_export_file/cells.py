"""Rows of comma-separated values that no spreadsheet takes for formulas.

Spreadsheets run cells that begin with certain characters; a name of a malware may well begin with one (CWE-1236).
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

# Some spreadsheets also take the full-width forms, and do not mind what cannot be seen before them.
_UNSEEN = r"\xad\u200b-\u200f\u2060-\u2064\ufeff"
_BEGINS = re.compile(rf"[\t\r\n]|[\s{_UNSEEN}]*+[=+\-@\uff1d\uff0b\uff0d\uff20]")
# Whoever reads the file with another delimiter takes parts of a cell for cells, whatever white space and quotation marks they begin
# with. Lists (`- item`), negative numbers and addresses with a sign in them stay as they are. What is skipped ends before the next
# delimiter, so that nothing is looked through twice.
_SPACE = r" \x0b\x0c\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SKIPPED = rf"[\"'{_SPACE}{_UNSEEN}]*+"
_SIGN = r"[+\-\uff0b\uff0d]"
_CALL = r"(?:[^;,|\s]*+[|(!]|[^;,|\t\r\n]*(?:\||\w\())"
_AFTER_DELIMITER = re.compile(
    rf"[;,|\t\r\n](?:{_SKIPPED}(?=[=@\uff1d\uff20]|{_SIGN}{_CALL})"
    rf"|(?<=[\r\n]){_SKIPPED}(?={_SIGN}(?!\s|[\d.,]++\s)))"
)
# What no spreadsheet keeps, and some end the cell at.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_CONTROLS = re.compile(f"[{_CONTROL}]")
# Nearly all cells begin with a letter or digit and have nothing that such a part needs.
_HARMLESS = re.compile(rf"[^\W_][^=@|(!\r\n\uff1d\uff20{_CONTROL}]*")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def neutralised(value: Any) -> str:
    """Return the text of a cell; what a spreadsheet would run gets an apostrophe before it, inside a cell as well.

    Control characters become replacement characters (U+FFFD).

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
    return _CONTROLS.sub("\ufffd", _AFTER_DELIMITER.sub(r"\g<0>'", text))


def csv_row(values: Iterable[Any], delimiter: str = ",") -> str:
    """Return one row (RFC 4180), its end included; every cell is quoted and neutralised."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow([neutralised(value) for value in values])
    return buffer.getvalue()
