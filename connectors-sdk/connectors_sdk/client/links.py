"""Take the links out of what people wrote for people."""

import re

# Several links in a row may have nothing but a comma or a semicolon between them.
_LINK = re.compile(r'(?i)https?://\w(?:(?![;,]+https?://)[^\s"<>])*')
# No user name or password before the host.
_HOST = re.compile(r"(?i)https?://([\w.-]+)(?::\d+)?(?:[/?#]|$)")
_GAP = re.compile(r"…(?:[\s;,.]*…)+")


def split_links(text: str) -> tuple[dict[str, str], str]:
    """Part a text from its links.

    Args:
        text: Words and `http` or `https` links in any order.

    Returns:
        The links in their order, each with its host, without those that carry credentials; and the words on one line, with …
        where links were among them, or "" if there are none.
    """
    links: dict[str, str] = {}

    def taken(found: re.Match[str]) -> str:
        link = _ended(found[0])
        if host := _HOST.match(link):
            links[link] = host[1].lower()
        return found[0].replace(link, "…", 1)

    words = _GAP.sub("…", _LINK.sub(taken, " ".join(text.split()))).strip(" ;,:…")
    return links, words if re.search(r"\w", words) else ""


def _ended(link: str) -> str:
    """Return a link without what ends the sentence around it."""
    while link[-1] in ".,;" or link[-1] == ")" and link.count(")") > link.count("("):
        link = link[:-1]
    return link
