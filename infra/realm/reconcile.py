"""Brings the realm that Keycloak already has to this instance's values: no click, nothing lost.

Keycloak imports a realm once and never again; addresses, secrets, mail and settings change. Here
settings, client scopes and clients are made as `passerelle-realm.json` says; accounts, sessions,
organizations, identity providers and signing keys stay as they are.
"""

from typing import Any

import msgspec
from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakGetError

from infra.realm import RealmValues, filled
from infra.realm.ways_in import bring_ways_in
from integrations.keycloak.connection import OneRefreshConnection

HTTP_NOT_FOUND = 404
MASTER_REALM = "master"
#: Making a realm, its keys and flows, takes Keycloak seconds, and tens of them on a busy machine.
TIMEOUT_S = 60
#: Parts with identifiers of their own, brought up to date one by one (or, users, never).
PARTS = frozenset(
    {
        "clients",
        "clientScopes",
        "users",
        "defaultDefaultClientScopes",
        "defaultOptionalClientScopes",
    }
)


class Operator(msgspec.Struct, frozen=True):
    """The service account of the realm `master` that Keycloak's first start created
    (`KC_BOOTSTRAP_ADMIN_CLIENT_ID`, `KC_BOOTSTRAP_ADMIN_CLIENT_SECRET`)."""

    client_id: str
    client_secret: str


async def reconcile(keycloak_url: str, operator: Operator, values: RealmValues) -> bool:
    """Makes the realm what `values` say; True if it had to be created. May be called again.

    Raises KeycloakError where Keycloak does not answer or refuses the operator.
    """
    connection = OneRefreshConnection(
        server_url=keycloak_url,
        realm=values.realm,
        token_realm=MASTER_REALM,
        client_id=operator.client_id,
        client_secret=operator.client_secret,
        timeout_s=TIMEOUT_S,
    )
    try:
        admin = KeycloakAdmin(connection=connection)
        wanted = filled(values)
        try:
            await admin.a_get_realm(values.realm)
        except KeycloakGetError as error:
            if error.response_code != HTTP_NOT_FOUND:
                raise
            await admin.a_create_realm(wanted)
            await bring_ways_in(admin)
            return True
        settings = {name: value for name, value in wanted.items() if name not in PARTS}
        await admin.a_update_realm(values.realm, settings)
        await _bring_scopes(admin, wanted["clientScopes"])
        await _bring_clients(admin, wanted["clients"])
        await bring_ways_in(admin)
        return False
    finally:
        await connection.aclose()


async def _bring_scopes(admin: KeycloakAdmin, wanted: list[dict[str, Any]]) -> None:
    present = {scope["name"]: scope for scope in await admin.a_get_client_scopes()}
    for scope in wanted:
        found = present.get(scope["name"])
        if found is None:
            await admin.a_create_client_scope(scope)
            continue
        mappers = {mapper["name"]: mapper for mapper in found.get("protocolMappers", [])}
        for mapper in scope["protocolMappers"]:
            old = mappers.get(mapper["name"])
            if old is None:
                await admin.a_add_mapper_to_client_scope(found["id"], mapper)
            elif old["config"] != mapper["config"]:
                await admin.a_update_mapper_in_client_scope(
                    found["id"], old["id"], mapper | {"id": old["id"]}
                )


async def _bring_clients(admin: KeycloakAdmin, wanted: list[dict[str, Any]]) -> None:
    present = {client["clientId"]: client["id"] for client in await admin.a_get_clients()}
    for client in wanted:
        if client["clientId"] in present:
            # Scopes and mappers of a client that exists are not part of this representation.
            await admin.a_update_client(present[client["clientId"]], client)
        else:
            await admin.a_create_client(client)
