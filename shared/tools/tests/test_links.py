"""Links between pages lead somewhere."""

from pathlib import Path

import pytest
from support import Tool, git

PAGE = """\
# A `page` of *ours*

## Twice

## Twice

[a](other.md) [b](other.md#a-page-with-signs--more) [c](#twice-1) [d](folder/) [e](/other.md)
[f](https://nowhere.example/x) ![g](folder/picture.png) [h](<with space.md>) [i](mailto:a@b.example)

`[no link](gone.md)`

```md
[no link](gone.md)
```
"""
OTHER = "# Other\n\n## A page: with signs & more!\n"


@pytest.fixture(name="pages")
def fixture_pages(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/picture.png").write_bytes(b"")
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "other.md").write_text(OTHER, encoding="utf-8")
    return tmp_path


def test_the_pages_of_the_repository_lead_somewhere(tool: Tool) -> None:
    done = tool("links")
    assert done.returncode == 0, done.stdout


def test_good_links_are_good(pages: Path, tool: Tool) -> None:
    text = (pages / "page.md").read_text(encoding="utf-8")
    (pages / "page.md").write_text(text.replace("<with space.md>", "other.md"))
    done = tool("links", "--root", pages)
    assert done.returncode == 0, done.stdout
    assert done.stdout == "2 pages, 0 links that lead nowhere\n"


@pytest.mark.parametrize(
    "link",
    ["gone.md", "folder/gone.png", "other.md#gone", "#thrice", "#twice-2", "../x.md"],
)
def test_a_dead_link_is_told(link: str, pages: Path, tool: Tool) -> None:
    (pages / "folder" / "more.md").write_text(f"# More\n\nSee [it]({link}).\n")
    done = tool("links", "--root", pages)
    assert done.returncode == 1
    assert f"folder/more.md: {link}: " in done.stdout
