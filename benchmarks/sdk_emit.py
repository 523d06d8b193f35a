"""From Python values to a serialised bundle: the SDK against plain stix2 objects and against dictionaries by hand.

    python benchmarks/sdk_emit.py [--scale 20000] [--only sdk]

`scale` indicators, observables and relationships each, with author and markings. Every way runs in a process of its own
over the same rows and must come to the same ids:

    sdk         models through `connectors_sdk.bundles.iter_bundles`, a bundle at a time (streamed)
    sdk-whole   the same with all models in a list and everything in one bundle
    stix2       stix2 objects with pycti's ids, made into one bundle by pycti's function
    dicts       dictionaries by hand with pycti's ids, one orjson call: what connectors do that want to be fast
    dicts-bare  the same with ids tuned by hand as well: no check of anything, nothing that could be left out

Printed are CPU seconds (user and system, imports left out), the peak of resident memory above what imports took, and
ratios. The memory of the streamed way is measured at three sizes: it must not grow with the feed (beyond the compact
record of what was sent).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CREATED_TEXT = "2026-01-02T03:04:05.000Z"


def rows(scale: int) -> Iterator[tuple[str, int, str]]:
    """Yield address, score and a description, made up but different."""
    for number in range(scale):
        address = f"{10 + (number >> 24)}.{(number >> 16) & 255}.{(number >> 8) & 255}.{number & 255}"
        yield address, number % 101, f"Seen {number} times in somebody's honeypot"


def with_sdk(scale: int, *, whole: bool = False) -> Iterator[bytes]:
    """Build models and let the SDK make bundles of them."""
    from connectors_sdk.bundles import iter_bundles
    from connectors_sdk.models import (
        Indicator,
        IPV4Address,
        OrganizationAuthor,
        Relationship,
        TLPMarking,
        patterns,
    )
    from connectors_sdk.models.enums import RelationshipType, TLPLevel

    author = OrganizationAuthor(name="A feed")
    markings = [TLPMarking(level=TLPLevel.AMBER)]

    def models() -> Iterator[Any]:
        for address, score, description in rows(scale):
            observable = IPV4Address(
                value=address,
                score=score,
                description=description,
                author=author,
                markings=markings,
            )
            indicator = Indicator(
                name=address,
                description=description,
                pattern=patterns.equals("ipv4-addr:value", address),
                pattern_type="stix",
                main_observable_type="IPv4-Addr",
                score=score,
                created=CREATED,
                valid_from=CREATED,
                author=author,
                markings=markings,
            )
            yield observable
            yield indicator
            yield Relationship(
                type=RelationshipType.BASED_ON,
                source=indicator,
                target=observable,
                created=CREATED,
                author=author,
                markings=markings,
            )

    if whole:
        size = {"max_objects": 4 * scale, "max_bytes": 10**12}
        bundles = iter_bundles(list(models()), **size)
    else:
        bundles = iter_bundles(models())
    for bundle in bundles:
        yield bundle.to_bytes()


def with_sdk_whole(scale: int) -> Iterator[bytes]:
    """Build all models first, then one bundle."""
    return with_sdk(scale, whole=True)


def with_stix2(scale: int) -> Iterator[bytes]:
    """Build stix2 objects the way connectors do without an SDK."""
    import pycti
    import stix2
    from pycti import OpenCTIConnectorHelper

    author = stix2.Identity(
        id=pycti.Identity.generate_id("A feed", "organization"),
        name="A feed",
        identity_class="organization",
    )
    marking = stix2.TLP_AMBER
    objects: list[Any] = [author, marking]
    for address, score, description in rows(scale):
        custom = {
            "x_opencti_score": score,
            "x_opencti_description": description,
            "x_opencti_created_by_ref": author.id,
        }
        observable = stix2.IPv4Address(
            value=address,
            object_marking_refs=[marking.id],
            custom_properties=custom,
        )
        pattern = f"[ipv4-addr:value = '{address}']"
        indicator = stix2.Indicator(
            id=pycti.Indicator.generate_id(pattern),
            name=address,
            description=description,
            pattern=pattern,
            pattern_type="stix",
            created=CREATED,
            modified=CREATED,
            valid_from=CREATED,
            created_by_ref=author.id,
            object_marking_refs=[marking.id],
            custom_properties={
                "x_opencti_score": score,
                "x_opencti_main_observable_type": "IPv4-Addr",
            },
        )
        objects += (
            observable,
            indicator,
            stix2.Relationship(
                id=pycti.StixCoreRelationship.generate_id(
                    "based-on", indicator.id, observable.id
                ),
                relationship_type="based-on",
                source_ref=indicator.id,
                target_ref=observable.id,
                created=CREATED,
                modified=CREATED,
                created_by_ref=author.id,
                object_marking_refs=[marking.id],
            ),
        )
    yield OpenCTIConnectorHelper.stix2_create_bundle(objects).encode()


NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


def with_dicts(scale: int) -> Iterator[bytes]:
    """Write the dictionaries by hand, ids from pycti and, for the observable, from the rule of STIX."""
    import pycti
    from stix2.canonicalization.Canonicalize import canonicalize

    def stix_id(stix_type: str, contributors: dict[str, str]) -> str:
        if stix_type == "indicator":
            return str(pycti.Indicator.generate_id(contributors["pattern"]))
        if stix_type == "relationship":
            return str(pycti.StixCoreRelationship.generate_id(**contributors))
        if stix_type == "identity":
            return str(pycti.Identity.generate_id(**contributors))
        name = canonicalize(contributors, utf8=False)
        return f"{stix_type}--{uuid.uuid5(NAMESPACE, name)}"

    return _dicts(scale, stix_id)


def with_bare_dicts(scale: int) -> Iterator[bytes]:
    """Write the dictionaries by hand, ids in the fastest way that the standard library and orjson allow."""
    import orjson

    def stix_id(stix_type: str, contributors: dict[str, str]) -> str:
        text = orjson.dumps(contributors, option=orjson.OPT_SORT_KEYS).decode()
        return f"{stix_type}--{uuid.uuid5(NAMESPACE, text)}"

    return _dicts(scale, stix_id)


def _dicts(
    scale: int, stix_id: Callable[[str, dict[str, str]], str]
) -> Iterator[bytes]:
    import orjson

    author = {
        "type": "identity",
        "spec_version": "2.1",
        "id": stix_id("identity", {"name": "a feed", "identity_class": "organization"}),
        "created": CREATED_TEXT,
        "modified": CREATED_TEXT,
        "name": "A feed",
        "identity_class": "organization",
    }
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": "TLP:AMBER",
        "definition": {"tlp": "amber"},
    }
    objects: list[dict[str, Any]] = [author, marking]
    marks = [marking["id"]]
    for address, score, description in rows(scale):
        observable_id = stix_id("ipv4-addr", {"value": address})
        pattern = f"[ipv4-addr:value = '{address}']"
        indicator_id = stix_id("indicator", {"pattern": pattern})
        objects.append(
            {
                "type": "ipv4-addr",
                "spec_version": "2.1",
                "id": observable_id,
                "value": address,
                "x_opencti_score": score,
                "x_opencti_description": description,
                "x_opencti_created_by_ref": author["id"],
                "object_marking_refs": marks,
            }
        )
        objects.append(
            {
                "type": "indicator",
                "spec_version": "2.1",
                "id": indicator_id,
                "created_by_ref": author["id"],
                "created": CREATED_TEXT,
                "modified": CREATED_TEXT,
                "name": address,
                "description": description,
                "pattern": pattern,
                "pattern_type": "stix",
                "pattern_version": "2.1",
                "valid_from": CREATED_TEXT,
                "x_opencti_score": score,
                "x_opencti_main_observable_type": "IPv4-Addr",
                "object_marking_refs": marks,
            }
        )
        objects.append(
            {
                "type": "relationship",
                "spec_version": "2.1",
                "id": stix_id(
                    "relationship",
                    {
                        "relationship_type": "based-on",
                        "source_ref": indicator_id,
                        "target_ref": observable_id,
                    },
                ),
                "created_by_ref": author["id"],
                "created": CREATED_TEXT,
                "modified": CREATED_TEXT,
                "relationship_type": "based-on",
                "source_ref": indicator_id,
                "target_ref": observable_id,
                "object_marking_refs": marks,
            }
        )
    bundle_id = f"bundle--{uuid.uuid4()}"
    yield orjson.dumps({"type": "bundle", "id": bundle_id, "objects": objects})


WAYS: dict[str, Callable[[int], Iterator[bytes]]] = {
    "sdk": with_sdk,
    "sdk-whole": with_sdk_whole,
    "stix2": with_stix2,
    "dicts": with_dicts,
    "dicts-bare": with_bare_dicts,
}


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(way: str, scale: int) -> None:
    """Run one way in this process and print its figures as JSON."""
    for _ in WAYS[way](10):  # imports, and whatever is made once
        pass
    import hashlib

    import orjson

    pieces: list[tuple[int, bytes]] = []
    base, start = _peak_mib(), time.process_time()
    size = 0
    for piece in WAYS[way](scale):
        size += len(piece)
        pieces.append((len(piece), b"" if scale > 1000 else piece))
    seconds, peak = time.process_time() - start, _peak_mib()
    # A small run of the same code tells whether all ways come to the same ids.
    ids = sorted(
        {
            stix["id"]
            for piece in WAYS[way](200)
            for stix in orjson.loads(piece)["objects"]
        }
    )
    print(
        json.dumps(
            {
                "seconds": seconds,
                "mib": peak - base,
                "bytes": size,
                "pieces": len(pieces),
                "ids": hashlib.sha256(" ".join(ids).encode()).hexdigest(),
            }
        )
    )


def run(way: str, scale: int) -> dict[str, Any]:
    """Measure one way in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", way, "--scale", str(scale)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure all ways and print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--scale", type=int, default=20_000, help="rows (default: 20000)"
    )
    parser.add_argument("--only", choices=WAYS, help="measure one way alone")
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.scale)
        return
    ways = [options.only] if options.only else list(WAYS)
    figures = {way: run(way, options.scale) for way in ways}
    print(f"{3 * options.scale + 2} objects")
    print(f"{'':10} {'CPU s':>7} {'MiB':>7} {'MB out':>7} {'bundles':>8}")
    for way, found in figures.items():
        print(
            f"{way:10} {found['seconds']:7.2f} {found['mib']:7.1f} "
            f"{found['bytes'] / 1e6:7.1f} {found['pieces']:8}"
        )
    if options.only:
        return
    alike = len({found["ids"] for found in figures.values()}) == 1
    print(f"same ids in all ways: {'yes' if alike else 'NO'}")
    sdk = figures["sdk"]["seconds"]
    print(
        f"sdk against stix2: {figures['stix2']['seconds'] / sdk:.1f} times faster (goal: at least 10)"
    )
    print(
        f"sdk against dicts: {sdk / figures['dicts']['seconds']:.2f} times the CPU (goal: at most 2); "
        f"against dicts-bare: {sdk / figures['dicts-bare']['seconds']:.2f}"
    )
    for factor in (2, 4):
        found = run("sdk", factor * options.scale)
        print(
            f"streamed, {factor} times the feed: {found['mib']:.1f} MiB, {found['seconds']:.2f} CPU s"
        )
    if not alike:
        sys.exit(1)


if __name__ == "__main__":
    main()
