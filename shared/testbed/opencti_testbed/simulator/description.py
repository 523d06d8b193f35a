"""What a simulated source is: the content of `source.yml`."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FILE_NAME = "source.yml"


class WrongDescription(ValueError):
    """`source.yml` cannot be used; the text names the file and every mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(_Strict):
    """A name with its value: a header or a query parameter."""

    name: str
    value: str


class Credentials(_Strict):
    """A user and a password."""

    user: str
    password: str


class Auth(_Strict):
    """How a client must identify itself; one of these.

    Attributes:
        bearer: token after `Authorization: Bearer`.
        basic: user and password (RFC 7617).
        header: a header with this value.
        query: a query parameter with this value.
        status: answer to who does not.
    """

    bearer: str | None = None
    basic: Credentials | None = None
    header: Named | None = None
    query: Named | None = None
    status: int = Field(default=401, ge=400, le=499)

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        ways = (self.bearer, self.basic, self.header, self.query)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("name one of bearer, basic, header and query")
        return self


class RateLimit(_Strict):
    """How many requests a client may send.

    Attributes:
        requests: so many...
        seconds: ...in so many seconds; the window moves.
        retry_after: whether the answer 429 says when to come back.
    """

    requests: int = Field(gt=0)
    seconds: float = Field(default=60, gt=0)
    retry_after: bool = True


class Pagination(_Strict):
    """How a list is given out in pieces.

    Attributes:
        style: `page` (number), `offset`, `cursor` (in the body) or `link` (header, RFC 8288).
        param: query parameter with the page, offset or cursor.
        size_param: query parameter with the size of a page; None when the client cannot choose.
        size: records on a page when the client does not choose.
        most: most records on a page, whatever the client asks for.
        start: number of the first page (style `page`).
        next_field: where a body tells the next cursor (style `cursor`), dotted.
        total_field: where a body tells how many records there are, dotted; None: nowhere.
    """

    style: Literal["page", "offset", "cursor", "link"]
    param: str = ""
    size_param: str | None = None
    size: int = Field(default=100, gt=0)
    most: int = Field(default=1000, gt=0)
    start: int = 1
    next_field: str = "next"
    total_field: str | None = None

    @property
    def parameter(self) -> str:
        """The query parameter that tells where to go on."""
        return self.param or {"link": "page"}.get(self.style, self.style)


class Trouble(StrEnum):
    """What can be wrong with an answer."""

    RESET = "reset"
    HANG = "hang"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"


class Answer(_Strict):
    """One answer; what is absent is as in the route.

    Attributes:
        status: HTTP status.
        body: anything; text as it is, all else as JSON.
        file: file of the folder to send instead.
        headers: further headers.
        trouble: `reset` the connection, `hang` (never answer), `truncated` (promise more than comes), `malformed`
            (cut in the middle, with the right length).
        retry_after: value of that header.
        times: so often, in a sequence.
    """

    status: int = Field(default=200, ge=200, le=599)
    body: Any = None
    file: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    trouble: Trouble | None = None
    retry_after: str | int | None = None
    times: int = Field(default=1, ge=1)


class Route(Answer):
    """What is answered at an address.

    Attributes:
        path: the path; `{name}` stands for any text without a slash and can be used in `file`.
        method: HTTP method.
        query: query parameters that must be there with these values.
        records: where the list is that pagination cuts, dotted; "" when the whole document is the list.
        pagination: how it is cut.
        conditional: whether ETag and Last-Modified are sent and honoured.
        latency: seconds before the answer.
        first: answers that come before this one, in their order.
        auth: false: open to everybody although the source asks for credentials.
    """

    path: str = Field(pattern="^/")
    method: str = "GET"
    query: dict[str, str] = Field(default_factory=dict)
    records: str = ""
    pagination: Pagination | None = None
    conditional: bool = False
    latency: float = Field(default=0, ge=0)
    first: list[Answer] = Field(default_factory=list)
    auth: bool = True

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return the expression that paths must match."""
        pieces = re.split(r"\{(\w+)\}", self.path)
        text = "".join(
            f"(?P<{piece}>[^/]+)" if index % 2 else re.escape(piece)
            for index, piece in enumerate(pieces)
        )
        return re.compile(text)


class Description(_Strict):
    """A simulated source.

    Attributes:
        title: what it plays.
        auth: how clients must identify themselves.
        rate_limit: how many requests they may send.
        routes: its addresses; the first that fits is taken.
    """

    title: str = "A source"
    auth: Auth | None = None
    rate_limit: RateLimit | None = None
    routes: list[Route] = Field(min_length=1)


def load_description(folder: Path) -> Description:
    """Read `source.yml` of a folder and see that the files it names are there.

    Raises:
        WrongDescription: the file is not there, is no YAML, or says something that cannot be.
    """
    path = folder / FILE_NAME
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongDescription(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise WrongDescription(f"{path} is no YAML: {error}") from error
    try:
        description = Description.model_validate(content)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}"
            for e in error.errors()
        ]
        raise WrongDescription("\n  ".join([f"{path}:", *wrong])) from error
    for route in description.routes:
        for answer in (route, *route.first):
            # A name with a placeholder is known only when a request comes.
            if answer.file and "{" not in answer.file:
                file_of(folder, answer.file)
    return description


def file_of(folder: Path, name: str) -> Path:
    """Return the path of a file of the folder.

    Raises:
        WrongDescription: it is not there, or lies outside.
    """
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise WrongDescription(f"{folder / name} is no file of the folder")
    return path
