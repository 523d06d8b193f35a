"""What an operator can configure."""

import base64
import binascii
from datetime import timedelta
from typing import Self

from pydantic import (
    Field,
    FilePath,
    HttpUrl,
    SecretStr,
    field_validator,
    model_validator,
)

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    DeprecatedField,
    ListFromString,
)
from connectors_sdk.connectors.stream import StreamConnectorConfig


class ConnectorConfig(StreamConnectorConfig):
    name: str = Field(
        default="Elastic Security Intel",
        description="Name of the connector on the platform.",
    )
    scope: ListFromString = Field(
        default=["indicator", "Stix-Cyber-Observable"],
        description="Types of objects to send.",
    )


class ElasticSecurityConfig(BaseConfigModel):
    url: HttpUrl | None = Field(
        default=None,
        description="Address of Elasticsearch, with its port. Either this or the cloud id is required.",
    )
    cloud_id: str | None = Field(
        default=None, description="Id of a deployment in Elastic Cloud."
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="API key, as Kibana shows it (Base64). Either this, or user and password, is required.",
    )
    username: str | None = Field(default=None, description="User, without an API key.")
    password: SecretStr | None = Field(
        default=None, description="Password of the user."
    )
    ca_cert: FilePath | None = Field(
        default=None, description="File with the private authority to trust (PEM)."
    )
    client_cert: FilePath | None = Field(
        default=None, description="File with a client certificate (PEM)."
    )
    client_key: FilePath | None = Field(
        default=None, description="File with the key of the client certificate (PEM)."
    )
    verify_ssl: bool = Field(
        default=True, description="Whether certificates are verified."
    )
    timeout: timedelta = Field(
        default=timedelta(seconds=60),
        gt=timedelta(0),
        description="The longest time that an answer may take.",
    )
    index_name: str = Field(
        default="logs-ti_custom_opencti.indicator",
        # What Elasticsearch allows.
        pattern=r'^[^A-Z\\/*?"<>| ,#:_+-][^A-Z\\/*?"<>| ,#:]*$',
        max_length=255,
        description="Index or data stream for the documents.",
    )
    data_stream: bool = Field(
        default=False,
        description="Whether a data stream is made where there is nothing of that name. What is there is used as what it is.",
    )
    install_template: bool = Field(
        default=True,
        description="Whether index template, index and mappings are made and kept up to date.",
    )
    indicator_expire_time: int | None = Field(
        default=None,
        ge=1,
        description="Lifecycle of a data stream that is made: days after which documents are deleted, valid or not; not set: never.",
    )
    min_score: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Objects with a lower score, or none, are left out; not set: all are sent.",
    )
    detection_rules: bool = Field(
        default=True,
        description="Whether indicators with KQL, Lucene, EQL and ES|QL patterns become detection rules, if Kibana's address is known.",
    )
    rules_enabled: bool = Field(
        default=True, description="Whether new detection rules are enabled."
    )
    rule_indices: ListFromString = Field(
        default=["logs-*", "filebeat-*", "packetbeat-*", "winlogbeat-*"],
        description="Index patterns that detection rules search.",
    )
    kibana_url: HttpUrl | None = Field(
        default=None,
        description="Address of Kibana; not set: derived from cloud id or address in Elastic Cloud.",
    )
    kibana_space: str = Field(
        default="default", description="Kibana space of the detection rules."
    )
    opencti_external_url: HttpUrl | None = Field(
        default=None,
        description="Address of the platform in links; not set: that of OPENCTI_URL.",
    )
    batch_size: int | None = DeprecatedField(
        deprecated="Use CONNECTOR_BATCH_SIZE instead.",
        new_namespace="connector",
        new_namespaced_var="batch_size",
        description="The most events in one batch.",
    )

    @field_validator("url", "kibana_url")
    @classmethod
    def _has_no_password(cls, url: HttpUrl | None) -> HttpUrl | None:
        if url is not None and (url.username or url.password):
            raise ValueError(
                "user and password do not stand in an address: see ELASTIC_SECURITY_USERNAME and ELASTIC_SECURITY_PASSWORD"
            )
        return url

    @field_validator("cloud_id")
    @classmethod
    def _is_cloud_id(cls, cloud_id: str | None) -> str | None:
        if cloud_id is not None:
            cloud_hosts(cloud_id)
        return cloud_id

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.url is None) == (self.cloud_id is None):
            raise ValueError(
                "one of ELASTIC_SECURITY_URL and ELASTIC_SECURITY_CLOUD_ID is required, not both"
            )
        if (self.api_key is None) == (self.username is None):
            raise ValueError(
                "one of ELASTIC_SECURITY_API_KEY and ELASTIC_SECURITY_USERNAME is required, not both"
            )
        if (self.username is None) != (self.password is None):
            raise ValueError(
                "ELASTIC_SECURITY_USERNAME and ELASTIC_SECURITY_PASSWORD belong together"
            )
        if self.client_key is not None and self.client_cert is None:
            raise ValueError(
                "ELASTIC_SECURITY_CLIENT_KEY needs ELASTIC_SECURITY_CLIENT_CERT"
            )
        return self

    @property
    def kibana(self) -> str | None:
        """The address of Kibana, as far as it is known."""
        if self.kibana_url is not None:
            return str(self.kibana_url).rstrip("/")
        if self.cloud_id is not None:
            return cloud_hosts(self.cloud_id)[1]
        host = self.url.host if self.url is not None else None
        if host is not None and ".es." in host:
            return f"https://{host.replace('.es.', '.kb.', 1)}"
        return None


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    elastic_security: ElasticSecurityConfig = Field(
        default_factory=ElasticSecurityConfig
    )


def cloud_hosts(cloud_id: str) -> tuple[str, str | None]:
    """Return the addresses of Elasticsearch and, if there is one, Kibana that a cloud id stands for.

    A cloud id is `name:` and, in Base64, `host$elasticsearch$kibana`.

    Raises:
        ValueError: it is no cloud id.
    """
    _, _, encoded = cloud_id.rpartition(":")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("not a cloud id of Elastic Cloud") from error
    host, *names = decoded.split("$")
    if not host or not names or not names[0]:
        raise ValueError("not a cloud id of Elastic Cloud")
    domain, _, port = host.partition(":")
    end = f".{domain}:{port or 443}"
    kibana = f"https://{names[1]}{end}" if names[1:] and names[1] else None
    return f"https://{names[0]}{end}", kibana
