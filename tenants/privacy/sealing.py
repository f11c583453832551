"""Secrets on their way to another installation: opened with one vault, sealed with another."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from passerelle.kernel.secrets import SEALED_COLUMNS, SealBroken, Vault
from passerelle.kernel.tenant_settings import SETTINGS

Row = list[str | None]


def resealing(table: str, columns: list[str], source: Vault, target: Vault) -> Callable[[Row], Row]:
    """A function that seals a row's secrets anew; the row itself where there are none.

    Raises SealBroken, naming what doesn't open.
    """
    sealed = [one for one in SEALED_COLUMNS.values() if one.table == table]
    if table == "tenant_setting":
        return lambda row: _setting(row, columns, source, target)
    if not sealed:
        return lambda row: row

    def anew(row: Row) -> Row:
        named = dict(zip(columns, row, strict=True))
        for one in sealed:
            held = named[one.column]
            if held is not None:
                context = one.context.format(**named)
                secret = source.open(bytes.fromhex(held.removeprefix("\\x")), context=context)
                named[one.column] = "\\x" + target.seal(secret, context=context).hex()
        return [named[name] for name in columns]

    return anew


def _setting(row: Row, columns: list[str], source: Vault, target: Vault) -> Row:
    named = dict(zip(columns, row, strict=True))
    fields = sealed_fields(named["name"] or "")
    value = msgspec.json.decode(named["value"] or "null")
    if not fields or not isinstance(value, dict):
        return row
    for field in fields:
        if held := value.get(field):
            context = f"setting:{named['tenant_id']}:{named['name']}:{field}"
            secret = source.open(base64.b64decode(held), context=context)
            value[field] = base64.b64encode(target.seal(secret, context=context)).decode()
    named["value"] = msgspec.json.encode(value).decode()
    return [named[name] for name in columns]


def sealed_fields(setting: str) -> list[str]:
    """The fields of a setting that hold sealed text."""
    declared = SETTINGS.get(setting)
    if declared is None:
        return []
    info: Any = msgspec.inspect.type_info(declared.type)
    return [field.encode_name for field in info.fields if _is_sealed(field.type)]


def _is_sealed(kind: Any) -> bool:
    return isinstance(kind, msgspec.inspect.Metadata) and bool((kind.extra or {}).get("sealed"))


def vault_of(key: bytes) -> Vault:
    return Vault(base64.b64encode(key).decode())


__all__ = ["SealBroken", "resealing", "sealed_fields", "vault_of"]
