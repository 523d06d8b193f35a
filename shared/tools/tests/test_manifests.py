"""Manifests: what is filled in, which are refused, and the files made of all of them."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from composer.manifests import rules
from composer.manifests.catalogue import catalogue
from composer.manifests.fragment import BadFragment, fragment
from composer.manifests.logo import DEFAULT
from composer.manifests.manifest import FILE, as_json, complete, schema
from composer.manifests.tables import pages
from PIL import Image
from support import ROOT, MakeConnector, Tool

LOGO = "external-import/feed/__metadata__/logo.png"
README = """\
# Feed of [Something](https://something.example)

![badge](https://badge.example)

| Status | Date |
| ------ | ---- |

Imports `reports` of *Something* into OpenCTI. More is to be
said in [the guide](guide.md).

## Settings
"""


def good() -> dict[str, Any]:
    return {
        "title": "Feed",
        "slug": "feed",
        "description": "Imports a feed.",
        "short_description": "Imports a feed.",
        "logo": LOGO,
        "use_cases": ["Other"],
        "solution_categories": ["Threat Intelligence Feed"],
        "license_type": "Free",
        "contact": "people@feed.example",
        "verified": True,
        "last_verified_date": "2026-01-31",
        "playbook_supported": False,
        "max_confidence_level": 50,
        "support_version": ">=6.8.12",
        "subscription_link": "https://feed.example",
        "source_code": "https://github.com/OpenCTI-Platform/connectors/tree/master/external-import/feed",
        "manager_supported": False,
        "container_version": "rolling",
        "container_image": "opencti/connector-feed",
        "container_type": "EXTERNAL_IMPORT",
    }


def write_logo(
    folder: Path, size: tuple[int, int] = (256, 256), name: str = "logo.png"
) -> None:
    path = folder / "__metadata__" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "navy").save(path)


@pytest.fixture(name="feed")
def fixture_feed(make_connector: MakeConnector) -> Path:
    folder = make_connector({"README.md": README, "src/main.py": ""})
    write_logo(folder)
    return folder


def write(folder: Path, content: dict[str, Any]) -> None:
    (folder / FILE).parent.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(as_json(content), encoding="utf-8")


def test_a_new_manifest_is_made_from_the_folder_and_good(
    feed: Path, tool: Tool
) -> None:
    assert tool("manifests", feed, "--check").returncode == 1
    assert not (feed / FILE).exists()
    done = tool("manifests", feed)
    assert done.returncode == 0, done.stdout
    content = json.loads((feed / FILE).read_text(encoding="utf-8"))
    assert list(content) == list(schema()["properties"])
    assert content["title"] == "Feed of Something"
    assert content["description"] == (
        "Imports reports of Something into OpenCTI. More is to be said in the guide."
    )
    assert content["short_description"] == "Imports reports of Something into OpenCTI."
    assert content["slug"] == "feed"
    assert content["logo"] == LOGO
    assert content["container_image"] == "opencti/connector-feed"
    assert content["container_type"] == "EXTERNAL_IMPORT"
    assert content["verified"] is False
    assert tool("manifests", feed, "--check").returncode == 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("internal-enrichment", "INTERNAL_ENRICHMENT"),
        ("internal-export-file", "INTERNAL_EXPORT_FILE"),
        ("internal-import-file", "INTERNAL_IMPORT_FILE"),
        ("stream", "STREAM"),
    ],
)
def test_the_type_is_that_of_the_folder(
    kind: str, expected: str, tmp_path: Path
) -> None:
    folder = tmp_path / kind / "My_Connector"
    folder.mkdir(parents=True)
    made = complete(folder, {})
    assert made["container_type"] == expected
    assert made["slug"] == "my-connector"
    assert made["title"] == "My Connector"
    assert made["short_description"] == "My Connector for OpenCTI."


def test_what_is_there_stays_and_what_is_missing_comes(feed: Path, tool: Tool) -> None:
    write(feed, {"max_confidence_level": 80, "title": "Mine"})
    assert tool("manifests", feed, "--check").returncode == 1
    assert tool("manifests", feed).returncode == 0
    content = json.loads((feed / FILE).read_text(encoding="utf-8"))
    assert (content["title"], content["max_confidence_level"]) == ("Mine", 80)
    assert list(content)[0] == "title"


def test_a_good_manifest_has_no_problem(feed: Path) -> None:
    assert not list(rules.check(feed, good()))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no title": ({"title": ""}, "title: "),
    "blank description": ({"description": " "}, "description: "),
    "long short description": ({"short_description": "x" * 251}, "251 characters"),
    "slug with capitals": ({"slug": "Feed"}, "slug: 'Feed'"),
    "slug with underscore": (
        {"slug": "my_feed"},
        "lower case, words joined with hyphens",
    ),
    "unknown use case": ({"use_cases": ["Fun"]}, "use_cases.0: 'Fun'"),
    "no use case": ({"use_cases": []}, "use_cases: "),
    "four categories": (
        {
            "solution_categories": [
                "Other",
                "AI Security",
                "Email Security",
                "Cloud Security",
            ]
        },
        "solution_categories: ",
    ),
    "the same category twice": (
        {"solution_categories": ["Other", "Other"]},
        "non-unique",
    ),
    "another licence": ({"license_type": "MIT"}, "license_type: "),
    "verified as text": ({"verified": "true"}, "verified: "),
    "a date that is none": (
        {"last_verified_date": "2026-02-31"},
        "last_verified_date: ",
    ),
    "a date without verification": ({"verified": False}, "it is not verified"),
    "too confident": ({"max_confidence_level": 101}, "max_confidence_level: "),
    "confidence as text": ({"max_confidence_level": "50"}, "max_confidence_level: "),
    "another spelling of the version": (
        {"support_version": ">= 6.8"},
        "support_version: ",
    ),
    "no link": ({"subscription_link": "feed.example"}, "subscription_link: "),
    "sources elsewhere": ({"source_code": "https://git.example/x"}, "source_code: "),
    "sources of another one": (
        {
            "source_code": "https://github.com/OpenCTI-Platform/connectors/tree/master/stream/x"
        },
        "does not end in external-import/feed",
    ),
    "an image of somebody else": ({"container_image": "me/feed"}, "container_image: "),
    "an image of another folder": (
        {"container_image": "opencti/connector-other"},
        "makes it opencti/connector-feed",
    ),
    "unknown type": ({"container_type": "IMPORT"}, "container_type: "),
    "type of another folder": (
        {"container_type": "STREAM"},
        "connectors in external-import are",
    ),
    "playbook in an importer": ({"playbook_supported": True}, "only an enrichment"),
    "managed without a schema": (
        {"manager_supported": True},
        "connector_config_schema.json",
    ),
    "a field nobody knows": ({"colour": "red"}, "'colour' was unexpected"),
    "a logo that is not there": (
        {"logo": "external-import/feed/__metadata__/none.png"},
        "there is no file none.png",
    ),
    "a logo of another one": (
        {"logo": "stream/x/__metadata__/logo.png"},
        "not in the connector's",
    ),
    "a logo as vector": (
        {"logo": "external-import/feed/__metadata__/logo.svg"},
        "logo: ",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_field_is_named(case: str, feed: Path) -> None:
    change, expected = WRONG[case]
    problems = [str(p) for p in rules.check(feed, good() | change) if p.is_error]
    assert any(expected in problem for problem in problems), problems


@pytest.mark.parametrize("field", sorted(good()))
def test_every_field_is_needed(field: str, feed: Path) -> None:
    content = good()
    del content[field]
    problems = [str(p) for p in rules.check(feed, content)]
    assert any(f"'{field}' is a required property" in problem for problem in problems)


def test_no_manifest_that_can_be_read_is_told(feed: Path, tool: Tool) -> None:
    for text, expected in (("{", "is no JSON: "), ("[]", "is no JSON object")):
        (feed / FILE).write_text(text, encoding="utf-8")
        done = tool("manifests", feed)
        assert done.returncode == 1
        assert expected in done.stdout
        assert (feed / FILE).read_text(encoding="utf-8") == text


def bitmap(path: Path) -> None:
    Image.new("RGB", (256, 256)).save(path, "BMP")


def broken(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def no_image(path: Path) -> None:
    path.write_text("<svg/>")


def heavy(path: Path) -> None:
    Image.effect_noise((512, 512), 90).convert("RGB").save(
        path, "PNG", compress_level=0
    )


LOGOS: dict[str, tuple[Callable[[Path], None], str, bool]] = {
    "oblong": (lambda path: Image.new("RGB", (300, 256)).save(path), "300 x 256", True),
    "small": (
        lambda path: Image.new("RGB", (95, 95)).save(path),
        "95 pixels are too few",
        True,
    ),
    "coarse": (lambda path: Image.new("RGB", (96, 96)).save(path), "better 256", False),
    "of another kind": (bitmap, "it is BMP", True),
    "broken": (broken, "is no image", True),
    "no image": (no_image, "is no image", True),
    "heavy": (heavy, "bytes are too many", True),
}


@pytest.mark.parametrize("case", LOGOS)
def test_a_bad_logo_is_told(case: str, feed: Path) -> None:
    spoil, expected, is_error = LOGOS[case]
    spoil(feed / "__metadata__" / "logo.png")
    problems = list(rules.check(feed, good()))
    assert [expected in str(p) and p.is_error == is_error for p in problems] == [
        True
    ], problems


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "feed"}, "slug"),
        ({"container_image": "opencti/connector-feed"}, "container_image"),
        ({"title": "FEED"}, "title"),
    ],
)
def test_names_are_unique(
    change: dict[str, str], field: str, make_connector: MakeConnector, tool: Tool
) -> None:
    feed, other = make_connector({}, "feed"), make_connector({}, "other")
    write(feed, good() | {"logo": None})
    names = {
        "title": "Other",
        "slug": "other",
        "logo": None,
        "container_image": "opencti/connector-other",
        "source_code": f"{good()['source_code'].removesuffix('feed')}other",
    }
    write(other, good() | names)
    assert tool("manifests", feed).returncode == 0
    write(other, good() | names | change)
    done = tool("manifests", feed)
    assert done.returncode == 1
    assert f"feed: {field}: the same as that of external-import/other" in done.stdout


def test_folders_that_differ_in_spelling_only_are_told(tmp_path: Path) -> None:
    manifests: dict[Path, dict[str, Any]] = {
        tmp_path / "stream" / "my-feed": {},
        tmp_path / "external-import" / "My_Feed": {},
    }
    found = [str(problem) for _, problem in rules.check_uniqueness(manifests)]
    assert found == [
        "folder: the same as that of external-import/My_Feed",
        "folder: the same as that of stream/my-feed",
    ]


def opened(data_url: str) -> Any:
    match = re.fullmatch(r"data:(image/png|image/jpeg);base64,(.+)", data_url)
    assert match is not None
    return Image.open(io.BytesIO(base64.b64decode(match[2], validate=True)))


def test_the_catalogue_is_small_and_in_order(make_connector: MakeConnector) -> None:
    folders = [make_connector({}, name) for name in ("zeta", "alpha", "mid")]
    manifests = {folder: good() | {"slug": folder.name} for folder in folders}
    (folders[0] / "__metadata__").mkdir()
    (folders[0] / "__metadata__" / "connector_config_schema.json").write_text("{}")
    made = catalogue(manifests, embed=False)
    again = catalogue(dict(reversed(manifests.items())), embed=False)
    assert json.dumps(made) == json.dumps(again)
    assert [c["slug"] for c in made["contracts"]] == ["alpha", "mid", "zeta"]
    assert {c["logo"] for c in made["contracts"]} == {LOGO}
    assert made["contracts"][2]["config_schema"] == {
        "$ref": "external-import/zeta/__metadata__/connector_config_schema.json"
    }
    assert (made["id"], made["version"]) == ("filigran-catalog-id", "rolling")


def test_the_embedded_catalogue_is_what_the_platform_expects(feed: Path) -> None:
    write_logo(feed, (1024, 1024))
    (feed / "__metadata__" / "connector_config_schema.json").write_text('{"a": 1}')
    manifests = {
        feed: good(),
        feed.with_name("bare"): good() | {"logo": None, "slug": "z"},
    }
    first, second = catalogue(manifests, embed=True)["contracts"]
    assert opened(first["logo"]).size == (200, 200)
    assert opened(first["logo"]).convert("RGB").getpixel((9, 9)) == (0, 0, 128)
    assert first["config_schema"] == {"a": 1}
    assert opened(second["logo"]).tobytes() == Image.open(DEFAULT).tobytes()
    assert "config_schema" not in second


def test_the_catalogue_of_the_repository_is_up_to_date(tool: Tool) -> None:
    done = tool("catalogue", "--check")
    assert done.returncode == 0, done.stdout
    assert (ROOT / "manifest.json").stat().st_size < 1_000_000


def test_a_catalogue_that_differs_is_told(tool: Tool, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "manifest.json"
    assert tool("catalogue", "--check", "--output", output).returncode == 1
    assert tool("catalogue", "--output", output).returncode == 0
    assert tool("catalogue", "--check", "--output", output).returncode == 0
    output.write_text(output.read_text(encoding="utf-8").replace("mitre", "other"))
    assert tool("catalogue", "--check", "--output", output).returncode == 1


def test_tables_name_all_connectors(tmp_path: Path) -> None:
    kinds = {"stream": ["b"], "external-import": ["c", "a"]}
    for kind in ("", "stream", "external-import", "internal-enrichment"):
        (tmp_path / kind).mkdir(exist_ok=True)
        (tmp_path / kind / "README.md").write_text("# Title\n\nText\n")
    manifests = {
        tmp_path / kind / name: good() | {"title": f"{name.upper()} | x"}
        for kind, names in kinds.items()
        for name in names
    }
    made = pages(manifests, tmp_path)
    # A type whose folder has no page is left out.
    assert len(made) == 4
    everyone = made[tmp_path / "README.md"]
    assert everyone.startswith("# Title\n\nText\n\n## Connectors\n\n<!--")
    assert re.findall(r"^\| \[.*", everyone, re.M) == [
        r"| [A \| x](external-import/a/README.md) | external import | Imports a feed. |",
        r"| [B \| x](stream/b/README.md) | stream | Imports a feed. |",
        r"| [C \| x](external-import/c/README.md) | external import | Imports a feed. |",
    ]
    one_kind = made[tmp_path / "external-import" / "README.md"]
    assert re.findall(r"^\| \[.*", one_kind, re.M) == [
        r"| [A \| x](a/README.md) | Imports a feed. |",
        r"| [C \| x](c/README.md) | Imports a feed. |",
    ]
    assert "None is here yet." in made[tmp_path / "internal-enrichment" / "README.md"]
    # What is written once stays, and what comes later is between the same markers.
    for page, text in made.items():
        page.write_text(text)
    assert pages(manifests, tmp_path) == made
    manifests.pop(tmp_path / "stream" / "b")
    later = pages(manifests, tmp_path)[tmp_path / "README.md"]
    assert "stream/b" not in later and later.count("connectors: begin") == 1


def test_a_table_that_drifts_is_told(tmp_path: Path) -> None:
    for name in ("shared/tools/ci", "shared/tools/composer"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "shared/tools/__main__.py", tmp_path / "shared/tools")
    folder = tmp_path / "external-import" / "feed"
    (folder / "src").mkdir(parents=True)
    (folder / "src/main.py").touch()
    write_logo(folder)
    write(folder, good())
    page = tmp_path / "external-import" / "README.md"
    page.write_text("# Title\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "shared/tools", "catalogue", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run().returncode == 0
    assert run("--check").returncode == 0
    assert "[Feed](feed/README.md)" in page.read_text()
    page.write_text(page.read_text().replace("Imports a feed", "Exports a feed"))
    done = run("--check")
    assert done.returncode == 1
    assert done.stdout == (
        "external-import/README.md is not what the manifests say: run `make global_manifest`\n"
    )
    # Another output is about that file alone.
    assert run("--output", "other.json").returncode == 0
    assert "Exports a feed" in page.read_text()


CONFIG_SCHEMA = {"type": "object", "properties": {}}


@pytest.mark.parametrize("version", ["7.261121.0", "7.261121.3-lts.1"])
def test_a_release_has_a_fragment(version: str, feed: Path) -> None:
    made = fragment(feed, good() | {"license_type": None}, version, CONFIG_SCHEMA)
    assert made["id"] == f"feed-{version}"
    assert made["version"] == version
    assert made["min_version"] == "6.8.12"
    assert made["license_type"] == ""
    assert opened(made["logo"]).size == (200, 200)
    assert made["additional_properties"] == {
        "playbook_supported": False,
        "max_confidence_level": 50,
    }


@pytest.mark.parametrize("version", ["7", "v7.1.0", "7.261121.0-rc.1", "latest"])
def test_other_versions_are_refused(version: str, feed: Path) -> None:
    with pytest.raises(BadFragment, match="version"):
        fragment(feed, good(), version, CONFIG_SCHEMA)


def test_the_fragment_is_written(feed: Path, tool: Tool, tmp_path: Path) -> None:
    write(feed, good())
    schema_file = tmp_path / "schema.json"
    schema_file.write_text(json.dumps(CONFIG_SCHEMA))
    output = tmp_path / "out" / "fragment.json"
    arguments = ["fragment", "--connector-dir", feed, "--output", output, "--version"]
    missing = tool(*arguments, "7.261121.0")
    assert missing.returncode == 1
    assert "connector_config_schema.json" in missing.stdout
    done = tool(*arguments, "7.261121.0", "--schema", schema_file)
    assert done.returncode == 0, done.stdout
    assert json.loads(output.read_text(encoding="utf-8"))["slug"] == "feed"
    assert tool(*arguments, "oops", "--schema", schema_file).returncode == 1
