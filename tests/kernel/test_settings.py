"""Settings: each wrong variable is named, and no secret is ever printed."""

import base64

import pytest
from rich.pretty import pretty_repr

from passerelle.kernel.settings import SECRET_FIELDS, SettingsError, load

GOOD = {
    "PASSERELLE_PUBLIC_URL": "https://learn.example.org",
    "PASSERELLE_MASTER_KEY": base64.b64encode(b"k" * 32).decode(),
    "PASSERELLE_DATABASE_URL": "postgresql://db:5432/passerelle",
    "PASSERELLE_DATABASE_PASSWORD_WEB_LOOKUP": "secret-1",
    "PASSERELLE_VALKEY_URL": "redis://:secret-5@cache:6379/0",
    "PASSERELLE_OBJECTS_DIRECTORY": "/var/lib/passerelle/objects",
}


def test_a_whole_environment_is_read() -> None:
    settings = load({**GOOD, "PASSERELLE_WEB_PORT": "9000", "HOME": "/nowhere"})
    assert settings.web_port == 9000
    assert settings.allowed_private_addresses == frozenset()


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_missing_variable_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        load({name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PASSERELLE_WEB_PORT", "eighty"),
        ("PASSERELLE_OUTBOUND_TIMEOUT_S", "soon"),
        ("PASSERELLE_PUBLIC_URL", "learn.example.org"),
        ("PASSERELLE_PUBLIC_URL", "https://learn.example.org/"),
        ("PASSERELLE_OBJECTS_DIRECTORY", "objects"),
        ("PASSERELLE_LOG_LEVEL", "loud"),
        ("PASSERELLE_MASTER_KEY", "short"),
    ],
)
def test_a_bad_value_is_refused_by_its_variables_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        load({**GOOD, variable: value})


def test_no_secret_is_ever_shown() -> None:
    shown = repr(load(GOOD))
    for number in (1, 5):
        assert f"secret-{number}" not in shown
    assert GOOD["PASSERELLE_MASTER_KEY"] not in shown
    assert "master_key='<secret>'" in shown
    assert "secret-1" not in pretty_repr(load(GOOD))
    assert set(load(GOOD).__struct_fields__) >= SECRET_FIELDS


def test_a_bad_secret_is_not_printed_in_its_error() -> None:
    with pytest.raises(SettingsError) as refused:
        load({**GOOD, "PASSERELLE_MASTER_KEY": "almost-a-key"})
    assert "almost-a-key" not in str(refused.value)
