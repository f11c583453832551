"""What the service leans on: Valkey, Keycloak, mail."""

import asyncio

import httpx
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from infra.commands.checks.finding import Context, Finding, ok, problem, warning

TIMEOUT_S = 5.0


async def valkey(context: Context) -> list[Finding]:
    client = Redis.from_url(
        context.settings.valkey_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )
    try:
        memory = await client.info("memory")
        persistence = await client.info("persistence")
    except AuthenticationError:
        return [
            problem(
                "valkey",
                "Valkey refuses the password.",
                "Sessions and the worker's hints are kept there.",
                "Mend the password in PASSERELLE_VALKEY_URL.",
            )
        ]
    except (OSError, RedisError) as refused:
        return [
            problem(
                "valkey",
                f"Valkey does not answer ({refused or type(refused).__name__}).",
                "Nobody can sign in without it, and the worker stands still.",
                "Start it, or mend PASSERELLE_VALKEY_URL.",
            )
        ]
    finally:
        await client.aclose()
    return [ok("valkey", "answers"), _kept(persistence), _room(memory)]


def _kept(persistence: dict[str, object]) -> Finding:
    if str(persistence.get("aof_enabled")) == "1" or persistence.get("rdb_saves"):
        return ok("valkey persistence", "on")
    return warning(
        "valkey persistence",
        "Valkey keeps nothing on disk.",
        "A restart signs everyone out.",
        "Set `appendonly yes`.",
    )


def _room(memory: dict[str, object]) -> Finding:
    policy = memory.get("maxmemory_policy")
    limit, used = int(str(memory.get("maxmemory", 0))), int(str(memory.get("used_memory", 0)))
    if policy != "noeviction":
        return problem(
            "valkey memory",
            f"maxmemory-policy is {policy}.",
            "Under pressure Valkey would drop sessions and messages.",
            "Set `maxmemory-policy noeviction`.",
        )
    if limit and used > limit * 0.9:
        return problem(
            "valkey memory",
            f"{used // 2**20} of {limit // 2**20} MiB are used.",
            "When it is full, nobody can sign in.",
            "Raise maxmemory.",
        )
    return ok("valkey memory", f"{used // 2**20} MiB used")


async def keycloak(context: Context) -> list[Finding]:
    settings = context.settings
    if not settings.keycloak_url:
        return [
            warning(
                "keycloak",
                "PASSERELLE_KEYCLOAK_URL is not set.",
                "People come in from an LMS only; nobody signs in here.",
                "Set it, where people are to sign in.",
            )
        ]
    issuer = f"{settings.keycloak_url}/realms/{settings.keycloak_realm}"
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
        try:
            answer = await client.get(f"{issuer}/.well-known/openid-configuration")
        except httpx.HTTPError as refused:
            return [
                problem(
                    "keycloak",
                    f"Keycloak at {settings.keycloak_url} does not answer "
                    f"({refused or type(refused).__name__}).",
                    "Nobody can sign in.",
                    "Start it, or mend PASSERELLE_KEYCLOAK_URL.",
                )
            ]
        if answer.status_code != httpx.codes.OK:
            return [
                problem(
                    "keycloak",
                    f"Keycloak has no realm {settings.keycloak_realm} (status "
                    f"{answer.status_code}).",
                    "Nobody can sign in.",
                    "Import infra/realm, or mend PASSERELLE_KEYCLOAK_REALM.",
                )
            ]
        return [_issuer(issuer, answer.json()), await _client(client, issuer, context)]


def _issuer(expected: str, document: dict[str, object]) -> Finding:
    if document.get("issuer") != expected:
        return problem(
            "keycloak",
            f"Keycloak calls itself {document.get('issuer')}, and the settings {expected}.",
            "Its tokens would be refused.",
            "Give Keycloak's option `hostname` and PASSERELLE_KEYCLOAK_URL the same address.",
        )
    return ok("keycloak", expected)


async def _client(client: httpx.AsyncClient, issuer: str, context: Context) -> Finding:
    settings = context.settings
    try:
        answer = await client.post(
            f"{issuer}/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=(settings.keycloak_admin_client_id, settings.keycloak_admin_client_secret),
        )
        refused = "" if answer.is_success else f"status {answer.status_code}"
    except httpx.HTTPError as error:
        refused = type(error).__name__
    if refused:
        return problem(
            "keycloak client",
            f"Keycloak refuses the client {settings.keycloak_admin_client_id} ({refused}).",
            "Accounts and organisations cannot be administered from here.",
            "Set PASSERELLE_KEYCLOAK_ADMIN_CLIENT_SECRET to that client's secret.",
        )
    return ok("keycloak client", f"{settings.keycloak_admin_client_id} is let in")


async def mail(context: Context) -> list[Finding]:
    settings = context.settings
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(settings.smtp_host, settings.smtp_port)
            greeting = await reader.readline()
            writer.close()
    except (OSError, TimeoutError) as refused:
        return [
            problem(
                "mail",
                f"The mail server {where} does not answer ({refused or 'in time'}).",
                "Invitations and notices wait until it does.",
                "Start it, or mend PASSERELLE_SMTP_HOST and PASSERELLE_SMTP_PORT.",
            )
        ]
    if not greeting.startswith(b"220"):
        return [
            problem(
                "mail",
                f"What answers at {where} is not a mail server.",
                "Invitations and notices wait until one does.",
                "Mend PASSERELLE_SMTP_HOST and PASSERELLE_SMTP_PORT.",
            )
        ]
    return [ok("mail", where)]
