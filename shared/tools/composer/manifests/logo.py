"""Logos of connectors: which are good, and how they are embedded."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

from composer.manifests.problems import Problem
from PIL import Image, UnidentifiedImageError

MIN_PIXELS = 96
GOOD_PIXELS = 256
MAX_BYTES = 256 * 1024
# What an embedded logo is scaled down to: it is shown small, and a catalogue holds hundreds.
EMBEDDED_PIXELS = 200
DEFAULT = Path(__file__).with_name("default_logo.png")
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


def check(path: Path) -> Iterator[Problem]:
    """Yield what is wrong with a logo: it is a square PNG or JPEG of at least 96 pixels that is not heavy."""
    if not path.is_file():
        yield Problem("logo", f"there is no file {path.name}")
        return
    size = path.stat().st_size
    if size > MAX_BYTES:
        yield Problem("logo", f"{size:,} bytes are too many: at most {MAX_BYTES:,}")
    try:
        with Image.open(path) as image:
            image.load()
            kind, (width, height) = image.format, image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        yield Problem("logo", f"{path.name} is no image: {error}")
        return
    if kind not in _TYPES:
        yield Problem("logo", f"it is {kind}, not PNG or JPEG")
    if width != height:
        yield Problem("logo", f"it is not square: {width} x {height} pixels")
    smallest = min(width, height)
    if smallest < MIN_PIXELS:
        yield Problem("logo", f"{smallest} pixels are too few: at least {MIN_PIXELS}")
    elif smallest < GOOD_PIXELS:
        words = f"{smallest} pixels look coarse on big screens: better {GOOD_PIXELS}"
        yield Problem("logo", words, is_error=False)


def data_url(path: Path | None) -> str:
    """Return a logo as data URL, scaled down where it is big; the default logo for None."""
    with Image.open(path or DEFAULT) as image:
        kind = image.format or ""
        if kind in _TYPES and max(image.size) <= EMBEDDED_PIXELS:
            content = (path or DEFAULT).read_bytes()
        else:
            kind = "PNG"
            small = image.convert("RGBA")
            small.thumbnail((EMBEDDED_PIXELS, EMBEDDED_PIXELS))
            buffer = io.BytesIO()
            small.save(buffer, "PNG", optimize=True)
            content = buffer.getvalue()
    return f"data:{_TYPES[kind]};base64,{base64.b64encode(content).decode('ascii')}"
