"""Check that links between the pages of the repository lead somewhere.

    python shared/tools links

Looks at every Markdown file: a relative link must name a file or folder that is there, and after `#` a heading of that page.
Addresses of other sites are not called.

Exit code: 0 all links lead somewhere, 1 some do not, 2 wrong usage.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from ci.usage import command_line

ROOT = Path(__file__).resolve().parents[3]
_LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'][^)]*)?\)")
_CODE = re.compile(r"^(```|~~~).*?^\1|(`+)(?!`).+?(?<!`)\2(?!`)", re.M | re.S)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.M)


def pages(root: Path) -> list[Path]:
    """Return every Markdown file that git tracks or would track."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", "*.md"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    found = [root / name for name in listing.split("\0") if name]
    return [page for page in found if page.is_file()]


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as GitHub names them."""
    text = re.sub(
        r"^(```|~~~).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    found: list[str] = []
    for heading in _HEADING.findall(text):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.append(name if name not in found else f"{name}-{found.count(name)}")
    found += re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)
    return frozenset(found)


def dead_links(page: Path, root: Path) -> Iterator[str]:
    """Yield the links of a page that lead nowhere, each with what is wrong."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:|//", link, re.I):
            continue
        path, _, anchor = unquote(link).partition("#")
        start = root if path.startswith("/") else page.parent
        target = (start / path.lstrip("/")).resolve() if path else page
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            yield f"{link}: the page has no such heading"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("links", __doc__)
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER")
    options = parser.parse_args(arguments)
    root: Path = options.root.resolve()
    count = bad = 0
    for page in pages(root):
        count += 1
        for problem in dead_links(page, root):
            bad += 1
            print(f"{page.relative_to(root)}: {problem}")
    print(f"{count} pages, {bad} links that lead nowhere")
    return 1 if bad else 0
