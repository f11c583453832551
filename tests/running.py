"""Our own processes over test servers: their environment, and a tenant with the starter path."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from infra import database as databases
from infra.seed.ai_fluency import seed_path
from infra.servers.postgres import PostgresServer
from infra.servers.valkey import ValkeyServer
from passerelle.exams import service as exams
from passerelle.exams.model import Answer, letter_of, shown_order
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.settings import Settings, load
from passerelle.skills.loading import load_taxonomy
from tests.conftest import ROLE_PASSWORDS


def environment(
    postgres: PostgresServer, valkey: ValkeyServer, database: str, directory: Path
) -> dict[str, str]:
    """The PASSERELLE_ variables of a process over these servers."""
    port = urlsplit(postgres.superuser_dsn()).port
    passwords = {
        f"PASSERELLE_DATABASE_PASSWORD_{role.upper()}": password
        for role, password in ROLE_PASSWORDS.items()
    }
    return {
        "PASSERELLE_PUBLIC_URL": "http://localhost:8000",
        "PASSERELLE_MASTER_KEY": base64.b64encode(hashlib.sha256(b"tests").digest()).decode(),
        "PASSERELLE_DATABASE_URL": f"postgresql://127.0.0.1:{port}/{database}",
        "PASSERELLE_VALKEY_URL": valkey.url,
        "PASSERELLE_OBJECTS_DIRECTORY": str(directory / "objects"),
        "PASSERELLE_LOG_LEVEL": "warning",
        "PASSERELLE_RATE_LIMIT_SCALE": "1000",
        **passwords,
    }


@asynccontextmanager
async def servers(
    directory: Path, database: str
) -> AsyncIterator[tuple[PostgresServer, ValkeyServer, dict[str, str], Settings]]:
    """PostgreSQL and Valkey of their own with a migrated database, and settings over them."""
    with (
        PostgresServer(directory / "postgres") as postgres,
        ValkeyServer(directory / "valkey") as valkey,
    ):
        await databases.create_roles(postgres.superuser_dsn(), ROLE_PASSWORDS)
        await databases.create_database(postgres.superuser_dsn(), database)
        await databases.migrate(postgres.superuser_dsn(database))
        variables = environment(postgres, valkey, database, directory)
        yield postgres, valkey, variables, load(variables)


async def with_starter_path(
    superuser: asyncpg.Connection, database: Database, tenant_id: UUID
) -> None:
    """Loads the starter taxonomy, and gives the tenant the path "AI fluency"."""
    await load_taxonomy(superuser)
    async with database.live_exam(tenant_id, actors.system("tests", tenant_id)) as tx:
        await seed_path(tx)


KEYS = """
select exam_item.id, exam_item.key, jsonb_array_length(exam_item.options) as options
from exam_item join form_item on form_item.tenant_id = exam_item.tenant_id
  and form_item.item_id = exam_item.id
join exam_form as form on form.tenant_id = form_item.tenant_id and form.id = form_item.form_id
where exam_item.tenant_id = $1 and form.code = $2
"""


async def pass_exam(tx: TenantTransaction, person_id: UUID, form_code: str) -> UUID:
    """Sits a form with every answer right, in the given transaction; returns the attempt's id."""
    attempt = await exams.start(tx, person_id, form_code)
    for row in await tx.connection.fetch(KEYS, tx.tenant_id, form_code):
        order = shown_order(attempt.id, row["id"], row["options"])
        letter = letter_of(order, row["key"])
        await exams.save_answer(tx, person_id, attempt.id, row["id"], Answer(letter, False, 1))
    finished = await exams.finish(tx, person_id, attempt.id)
    if not finished.passed:
        raise AssertionError("every answer was right, and the exam was not passed")
    return attempt.id
