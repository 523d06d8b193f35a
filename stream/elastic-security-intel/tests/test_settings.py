"""Valid and invalid settings."""

import base64
from typing import Any

import pytest
from connector.settings import ConnectorSettings, cloud_hosts

from connectors_sdk import ConfigValidationError

OPENCTI = {"url": "http://localhost:8080", "token": "canary-token"}
TARGET = {"url": "https://elastic.example:9200", "api_key": "canary"}
CLOUD_ID = "name:" + base64.b64encode(b"eu.cloud.example:9243$abc$def").decode()


def settings(connector: Any = None, **target: Any) -> ConnectorSettings:
    return ConnectorSettings.from_dict(
        {
            "opencti": OPENCTI,
            "connector": {"id": "c", "live_stream_id": "live", **(connector or {})},
            "elastic_security": {**TARGET, **target},
        }
    )


def test_defaults() -> None:
    both = settings()
    target = both.elastic_security
    assert both.connector.scope == ["indicator", "Stix-Cyber-Observable"]
    assert (both.connector.max_tlp, both.connector.batch_size) == ("amber+strict", 500)
    assert target.index_name == "logs-ti_custom_opencti.indicator"
    assert (target.data_stream, target.install_template) == (False, True)
    assert target.timeout.total_seconds() == 60
    assert target.kibana is None
    assert "canary" not in repr(both)


@pytest.mark.parametrize(
    ("target", "kibana"),
    [
        ({"kibana_url": "https://kibana.example/base/"}, "https://kibana.example/base"),
        ({"url": None, "cloud_id": CLOUD_ID}, "https://def.eu.cloud.example:9243"),
        ({"url": "https://x.es.eu.example:443"}, "https://x.kb.eu.example"),
    ],
)
def test_where_kibana_is(target: dict[str, Any], kibana: str) -> None:
    assert settings(**target).elastic_security.kibana == kibana


def test_a_cloud_id_without_kibana() -> None:
    cloud_id = "name:" + base64.b64encode(b"eu.cloud.example$abc").decode()
    assert cloud_hosts(cloud_id) == ("https://abc.eu.cloud.example:443", None)


def test_the_batch_size_of_former_deployments() -> None:
    with pytest.warns(UserWarning, match="connector.batch_size"):
        assert settings(batch_size=100).connector.batch_size == 100


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"url": None}, "ELASTIC_SECURITY_CLOUD_ID is required"),
        ({"url": "https://u:canary@h.example"}, "do not stand in an address"),
        ({"kibana_url": "https://canary@h.example"}, "do not stand in an address"),
        ({"cloud_id": CLOUD_ID}, "not both"),
        ({"cloud_id": "nothing", "url": None}, "not a cloud id"),
        ({"cloud_id": "name:JCQ=", "url": None}, "not a cloud id"),
        ({"api_key": None}, "ELASTIC_SECURITY_USERNAME is required"),
        ({"username": "u", "password": "canary-password"}, "not both"),
        ({"api_key": None, "username": "u"}, "belong together"),
        ({"client_key": __file__}, "needs ELASTIC_SECURITY_CLIENT_CERT"),
        ({"ca_cert": "/nowhere.pem"}, "ELASTIC_SECURITY_CA_CERT"),
        ({"index_name": "Upper"}, "ELASTIC_SECURITY_INDEX_NAME"),
        ({"index_name": "a,b"}, "ELASTIC_SECURITY_INDEX_NAME"),
        ({"min_score": 101}, "ELASTIC_SECURITY_MIN_SCORE"),
        ({"timeout": "PT0S"}, "ELASTIC_SECURITY_TIMEOUT"),
        ({"indicator_expire_time": 0}, "ELASTIC_SECURITY_INDICATOR_EXPIRE_TIME"),
        ({"url": "nowhere"}, "ELASTIC_SECURITY_URL (elastic_security.url)"),
    ],
)
def test_what_is_wrong_is_told(target: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        settings(**target)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)
