"""The realm's keys are asked for when they are needed, and never because a forger says so."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from integrations.keycloak import realm as realms
from integrations.keycloak.model import KeycloakUnavailable
from integrations.keycloak.realm import Realm
from integrations.keycloak.tokens import TokenError
from passerelle.kernel.settings import Settings
from tests.integrations import forgery


class KeyServer:
    """Serves a key set as Keycloak does, and counts how often it is asked."""

    def __init__(self) -> None:
        self.document = forgery.document(forgery.RSA)
        self.status = "200 OK"
        self.asked = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        head = f"HTTP/1.1 {self.status}\r\ncontent-length: {len(self.document)}\r\n"
        writer.write(f"{head}connection: close\r\n\r\n".encode() + self.document)
        await writer.drain()
        writer.close()


@pytest.fixture
async def keys_and_realm(settings: Settings) -> AsyncIterator[tuple[KeyServer, Realm]]:
    keys = KeyServer()
    server = await asyncio.start_server(keys.answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    realm = Realm(msgspec.structs.replace(settings, keycloak_url=address))
    yield keys, realm
    await realm.close()
    server.close()


def notice(realm: Realm, **header: str) -> str:
    return forgery.sign(claims_of(realm), forgery.RSA, **header)


def claims_of(realm: Realm) -> dict[str, Any]:
    now = time.time()
    return forgery.logout_claims(iss=realm.issuer, iat=now, exp=now + 120)


async def test_many_notices_ask_for_the_keys_once(keys_and_realm: tuple[KeyServer, Realm]) -> None:
    keys, realm = keys_and_realm
    claims = await asyncio.gather(*(realm.logout_claims(notice(realm)) for _ in range(20)))
    assert {each.sid for each in claims} == {"a-session"}
    assert keys.asked == 1


async def test_unknown_key_ids_make_no_storm(keys_and_realm: tuple[KeyServer, Realm]) -> None:
    keys, realm = keys_and_realm
    for number in range(50):
        with pytest.raises(TokenError):
            await realm.logout_claims(notice(realm, kid=f"forged-{number}"))
    assert keys.asked == 1


async def test_a_new_key_is_found_after_the_pause(
    keys_and_realm: tuple[KeyServer, Realm], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, realm = keys_and_realm
    await realm.logout_claims(notice(realm))
    keys.document = forgery.document(forgery.RSA, forgery.EC)
    fresh = forgery.sign(claims_of(realm), forgery.EC, alg="ES256", kid="ec-1")
    with pytest.raises(TokenError):
        await realm.logout_claims(fresh)
    monkeypatch.setattr(realms, "KEYS_PAUSE_S", 0.0)
    assert (await realm.logout_claims(fresh)).sid == "a-session"


async def test_a_withdrawn_key_stops_counting(
    keys_and_realm: tuple[KeyServer, Realm], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, realm = keys_and_realm
    await realm.logout_claims(notice(realm))
    keys.document = forgery.document(forgery.EC)
    monkeypatch.setattr(realms, "KEYS_KEPT_S", 0.0)
    with pytest.raises(TokenError):
        await realm.logout_claims(notice(realm))


@pytest.mark.parametrize(
    ("status", "document", "raised"),
    [
        ("500 Oops", b"", KeycloakUnavailable),
        ("404 Not Found", b"", KeycloakUnavailable),
        ("200 OK", b"<html>", TokenError),
    ],
)
async def test_no_keys_means_no_trust(
    keys_and_realm: tuple[KeyServer, Realm], status: str, document: bytes, raised: type[Exception]
) -> None:
    keys, realm = keys_and_realm
    keys.status, keys.document = status, document
    with pytest.raises(raised):
        await realm.logout_claims(notice(realm))
    assert await realm.answers() is (status == "200 OK")
