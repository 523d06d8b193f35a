"""The settings that pycti's helper or the SDK's runtime understands without any settings model declaring them.

What is set of them is passed on. This table is the one place that names them; it tells such a setting from a typing mistake, and documentation is made from it.
Source: `OpenCTIConnectorHelper` and `OpenCTIConnector` of pycti 7.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from connectors_sdk.settings.runtime import SECTION, RuntimeSettings


class HelperVariable(NamedTuple):
    """One setting.

    Attributes:
        variable: Environment variable.
        key: Place in `config.yml`: section and name; empty when only the environment can set it.
        default: What is taken when it is not set, as text; empty when there is none.
        description: What it does.
    """

    variable: str
    key: str
    default: str
    description: str


_ROWS = """
opencti.ssl_verify | false | Check the platform's TLS certificate
opencti.json_logging | true | Write log lines as JSON
opencti.custom_headers | | HTTP headers for every request to the platform, as `name:value;name:value`
connector.auto | false | Run on every new entity of the scope without being asked
connector.auto_update | false | Run on every updated entity of the scope too
connector.enrichment_resolution | none | How enrichment work is resolved
connector.only_contextual | false | Take only work that was started in the context of an entity
connector.live_stream_id | | Live stream to listen to
connector.live_stream_listen_delete | true | Receive deletions from the stream
connector.live_stream_no_dependencies | true | Receive entities without those they depend on
connector.live_stream_with_inferences | false | Receive inferred entities too
connector.live_stream_recover_iso_date | | Replay the stream up to this ISO 8601 date
connector.live_stream_start_timestamp | | Start in the stream at this position
connector.xtm_one_intent | | Intent offered to XTM One
connector.listen_protocol | AMQP | How work arrives: AMQP or API
connector.listen_protocol_api_port | 7070 | Port on which work arrives (API)
connector.listen_protocol_api_path | /api/callback | Path on which work arrives (API)
connector.listen_protocol_api_ssl | false | Listen with TLS (API)
connector.listen_protocol_api_uri | http://127.0.0.1:7070 | Address under which the platform reaches the connector (API)
connector.queue_protocol | amqp | How bundles leave: amqp or api
connector.queue_threshold | 500 | Size in MB of the platform's queue above which runs are held back
connector.duration_period | | Pause between two runs, as ISO 8601 duration
connector.run_and_terminate | false | Run once, then exit
connector.validate_before_import | false | Bundles wait for a person to validate them
connector.send_to_queue | true | Send bundles to the platform
connector.send_to_directory | false | Write bundles to a folder
connector.send_to_directory_path | | That folder
connector.send_to_directory_retention | 7 | Days after which bundles are removed from the folder
connector.send_to_s3 | false | Write bundles to an S3 bucket
connector.send_to_s3_bucket | | That bucket
connector.send_to_s3_folder | connectors | Folder in the bucket
connector.send_to_s3_retention | 7 | Days after which bundles are removed from the bucket
connector.expose_metrics | false | Offer Prometheus metrics
connector.metrics_namespace | | First part of the metrics' names
connector.metrics_subsystem | | Second part of the metrics' names
connector.metrics_port | 9095 | Port of the metrics
connector.auto_create_service_account | false | Let the platform make a user for the connector
connector.auto_create_service_account_confidence_level | 50 | Confidence level of that user
mq.host | | RabbitMQ host, instead of the one the platform names
mq.port | | RabbitMQ port
mq.vhost | | RabbitMQ virtual host
mq.use_ssl | | Speak TLS with RabbitMQ
mq.user | | RabbitMQ user
mq.pass | | RabbitMQ password
mq.use_ssl_ca | | Certificate authority for RabbitMQ
mq.use_ssl_cert | | Client certificate for RabbitMQ
mq.use_ssl_key | | Key of the client certificate
mq.use_ssl_reject_unauthorized | | Refuse certificates that cannot be checked
mq.use_ssl_passphrase | | Passphrase of the key
s3.endpoint | | S3 host, instead of the one the platform names
s3.port | | S3 port
s3.access_key | | S3 access key
s3.secret_key | | S3 secret key
s3.use_ssl | | Speak TLS with S3
s3.bucket_region | | Region of the bucket
"""

# Variables that do not follow the rule SECTION_NAME.
_IRREGULAR = """
LISTEN_PROTOCOL_API_SSL_KEY | connector.listen_protocol_api_ssl_key | | Key of the certificate for listening
LISTEN_PROTOCOL_API_SSL_CERT | connector.listen_protocol_api_ssl_cert | | Certificate for listening
LISTEN_PROTOCOL_API_SSL_PASSPHRASE | connector.listen_protocol_api_ssl_passphrase | | Passphrase of that key
QUEUE_PROTOCOL | connector.queue_protocol | amqp | Former name of CONNECTOR_QUEUE_PROTOCOL
"""


def _cells(table: str) -> list[list[str]]:
    lines = table.strip().splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def _regular(table: str) -> list[HelperVariable]:
    return [
        HelperVariable(key.replace(".", "_").upper(), key, default, text)
        for key, default, text in _cells(table)
    ]


def _runtime() -> Iterator[HelperVariable]:
    """Yield what the SDK's runtimes understand and pycti does not."""
    for name, field in RuntimeSettings.model_fields.items():
        key = f"{SECTION}.{name}"
        default = TypeAdapter(Any).dump_python(field.default, mode="json")
        yield HelperVariable(
            key.replace(".", "_").upper(),
            key,
            "" if default is None else str(default),
            field.description or "",
        )


HELPER_VARIABLES: tuple[HelperVariable, ...] = (
    *_regular(_ROWS),
    *(HelperVariable(*cells) for cells in _cells(_IRREGULAR)),
)

RUNTIME_VARIABLES: tuple[HelperVariable, ...] = tuple(_runtime())

# Families of variables that the helper reads from the environment only.
HELPER_PREFIXES: tuple[str, ...] = ("OPENCTI_MISSING_REF_RETRY_",)

# Every key that is understood without being declared, in lower case.
HELPER_KEYS: frozenset[str] = frozenset(
    row.key for row in (*HELPER_VARIABLES, *RUNTIME_VARIABLES)
)

HELPER_SECTIONS: frozenset[str] = frozenset(
    key.partition(".")[0] for key in HELPER_KEYS
)
