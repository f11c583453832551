"""Access tokens are fetched once for each registration and scopes, and never shared."""

import asyncio

import msgspec
import pytest

from infra.demo.lms.server import LmsServer
from lms import store
from lms.claims import SCORE_SCOPE
from lms.grades import RESULT_SCOPE
from lms.tokens import AccessTokens, TokenRefused
from passerelle.kernel import actor as actors
from passerelle.kernel.tasks import Work
from tests.lms.connected import Connected


async def token(
    tokens: AccessTokens, work: Work, connected: Connected, *scopes: str, token_url: str = ""
) -> str:
    tenant_id = connected.tenant_id
    read = work.database.tenant_reader(tenant_id, actors.system("tests", tenant_id))
    registration = await store.registration(read, connected.registration_id)
    assert registration is not None
    if token_url:
        registration = msgspec.structs.replace(registration, token_url=token_url)
    return await tokens.get(read, work.http, work.vault, registration, scopes or [SCORE_SCOPE])


async def test_many_who_ask_at_once_fetch_one_token(
    work: Work, lms: LmsServer, connected: Connected
) -> None:
    tokens, before = AccessTokens(), lms.book().tokens.get(connected.client_id, 0)
    found = await asyncio.gather(*(token(tokens, work, connected) for _ in range(10)))
    assert len(set(found)) == 1
    assert lms.book().tokens[connected.client_id] == before + 1


async def test_scopes_and_organisations_have_tokens_of_their_own(
    work: Work, connected: Connected, also_connected: Connected
) -> None:
    tokens = AccessTokens()
    found = [
        await token(tokens, work, connected),
        await token(tokens, work, connected, SCORE_SCOPE, RESULT_SCOPE),
        await token(tokens, work, also_connected),
    ]
    assert len(set(found)) == 3
    assert await token(tokens, work, connected) == found[0]


async def test_a_forgotten_token_is_fetched_anew(
    work: Work, lms: LmsServer, connected: Connected
) -> None:
    tokens = AccessTokens()
    first = await token(tokens, work, connected)
    before = lms.book().tokens[connected.client_id]
    tokens.forget("another")
    assert await token(tokens, work, connected) == first
    tokens.forget(first)
    await token(tokens, work, connected)
    assert lms.book().tokens[connected.client_id] == before + 1


async def test_an_lms_that_gives_no_token_says_why(
    work: Work, lms: LmsServer, connected: Connected
) -> None:
    # Signed for another audience, the LMS must refuse the assertion.
    with pytest.raises(TokenRefused, match="HTTP 400 invalid_client"):
        await token(AccessTokens(), work, connected, token_url=f"{lms.url}/token?other=1")
