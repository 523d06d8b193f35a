"""Blocks of Markdown pages that tools write, between two markers; the rest of a page is its author's."""

import re


def with_block(page: str, name: str, source: str, content: str) -> str:
    """Return a page with a block as it should be; a page without its markers gets them in a section at its end.

    Args:
        page: The page as it is.
        name: What the block is, a word such as `settings`.
        source: What it is written from, for who reads the page's source.
        content: The block, with a line break at its end.
    """
    end = f"<!-- {name}: end -->"
    block = f"<!-- {name}: begin, written from {source} -->\n\n{content}\n{end}"
    markers = rf"<!-- {name}: begin[^\n]*-->.*?{end}"
    if re.search(markers, page, re.S):
        return re.sub(markers, lambda _: block, page, count=1, flags=re.S)
    return f"{page.rstrip()}\n\n## {name.capitalize()}\n\n{block}\n"
