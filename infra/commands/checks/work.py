"""Our own processes: web and worker alive, and the outbox moving."""

import asyncpg
import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.commands.checks.finding import Context, Finding, ok, problem, warning
from infra.commands.context import connect_as
from infra.commands.outbox import STATE
from passerelle.kernel.relay import HEARTBEAT_KEY, HEARTBEAT_S

TIMEOUT_S = 5.0
LATE_WARNING_S, LATE_PROBLEM_S = 60.0, 900.0


async def web(context: Context) -> list[Finding]:
    """At its own port, and at the address that people use."""
    settings = context.settings
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
        try:
            answer = await client.get(f"{settings.public_url}/health")
        except httpx.HTTPError as refused:
            return [
                warning(
                    "web",
                    f"{settings.public_url} does not answer ({type(refused).__name__}).",
                    "People reach the service there.",
                    "`passerelle web`, or mend the proxy in front of it.",
                )
            ]
    if answer.status_code != httpx.codes.OK or "status" not in answer.text:
        return [
            problem(
                "web",
                f"What answers at {settings.public_url} is not this service (status "
                f"{answer.status_code}).",
                "People would reach something else.",
                "Mend PASSERELLE_PUBLIC_URL or the proxy, or free the port.",
            )
        ]
    return [ok("web", settings.public_url)]


async def worker(context: Context) -> list[Finding]:
    client = Redis.from_url(context.settings.valkey_url, socket_timeout=TIMEOUT_S)
    try:
        beats = await client.exists(HEARTBEAT_KEY)
    except (OSError, RedisError):
        return []  # said by the check of Valkey
    finally:
        await client.aclose()
    if not beats:
        return [
            warning(
                "worker",
                f"No worker gave a sign of life in the last {HEARTBEAT_S} s.",
                "Credentials, grades and mail wait; nothing is lost.",
                "`passerelle worker`",
            )
        ]
    return [ok("worker", "alive")]


async def outbox(context: Context) -> list[Finding]:
    try:
        connection = await connect_as("worker_relay")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return []  # said by the check of the database
    try:
        state = await connection.fetchrow(STATE)
    except asyncpg.UndefinedFunctionError:
        return [
            problem(
                "outbox",
                "The database lacks the outbox.",
                "Credentials, grades and mail cannot be sent.",
                "`passerelle migrate`",
            )
        ]
    finally:
        await connection.close()
    if state is None:
        return []
    findings = [_lag(int(state["waiting"]), float(state["oldest_waiting_s"]))]
    if state["dead"]:
        findings.append(
            problem(
                "dead deliveries",
                f"{state['dead']} failed too often to be tried again.",
                "Somebody waits for a credential, a grade or a mail.",
                "`passerelle outbox list` says why; mend that, then `passerelle outbox replay`.",
            )
        )
    return findings


def _lag(waiting: int, oldest_s: float) -> Finding:
    if oldest_s < LATE_WARNING_S:
        return ok("outbox", f"{waiting} waiting, none late")
    made = problem if oldest_s > LATE_PROBLEM_S else warning
    return made(
        "outbox",
        f"{waiting} wait, the oldest for {oldest_s:.0f} s longer than it should.",
        "Credentials, grades and mail are late.",
        "See that a worker runs (`passerelle worker`), and read its log.",
    )
