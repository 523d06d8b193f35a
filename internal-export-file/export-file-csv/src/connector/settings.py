"""What an operator can configure."""

from typing import Annotated

from pydantic import AfterValidator, Field

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors.internal_export_file import ExportFileConnectorConfig

TAB = "tab"
VISIBLE = "visible"


def _one_character(text: str) -> str:
    character = "\t" if text.casefold() == TAB else text
    if len(character) != 1 or character in "\"'\r\n" or character.isalnum():
        raise ValueError(
            "one character that is no letter, digit, quotation mark or line end; or the word tab"
        )
    return character


class ConnectorConfig(ExportFileConnectorConfig):
    name: str = Field(
        default="ExportFileCsv", description="Name of the connector on the platform."
    )
    scope: ListFromString = Field(
        default=["text/csv"], description="Types of files that it makes."
    )


class CsvConfig(BaseConfigModel):
    delimiter: Annotated[str, AfterValidator(_one_character)] = Field(
        default=";",
        description="The character between two cells; `tab` for a tabulator.",
    )
    columns: ListFromString = Field(
        default=[],
        description="The columns of every file, in this order; `visible` stands for those of the user's list. Default:"
        " all that the entities have.",
    )
    byte_order_mark: bool = Field(
        default=False,
        description="Begin files with a mark by which spreadsheets know that they are UTF-8.",
    )


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    export_file_csv: CsvConfig = Field(default_factory=CsvConfig)
