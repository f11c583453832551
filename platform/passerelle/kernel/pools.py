"""A pool of connections as one database role."""

import asyncpg
import msgspec
from pgvector import Vector

from passerelle.kernel.settings import PREFIX, Settings, SettingsError

#: What the planner supposes: today's disks, where a page of a list is read by walking the index in
#: the order shown, and not by sorting everyone first.
PLANNER = {"random_page_cost": "1.1"}


async def create_pool(settings: Settings, role: str, user: str | None = None) -> asyncpg.Pool:
    """Signs in as `user` where the role is another's to try. Raises SettingsError without the
    role's password."""
    password = getattr(settings, f"database_password_{role}")
    if not password:
        raise SettingsError(
            f"{PREFIX}DATABASE_PASSWORD_{role.upper()} is not set, and this process works as "
            f"{role}. Give it a value and start again."
        )
    return await asyncpg.create_pool(
        settings.database_url,
        user=user or role,
        password=password,
        min_size=1,
        max_size=settings.database_connections_per_role,
        init=prepare_connection,
        server_settings={
            "application_name": f"passerelle {role}",
            "statement_timeout": str(settings.statement_timeout_ms),
            "idle_in_transaction_session_timeout": str(4 * settings.statement_timeout_ms),
            "timezone": "UTC",
            **PLANNER,
        },
    )


async def prepare_connection(connection: asyncpg.Connection) -> None:
    """Teach a connection jsonb (msgspec) and vector (numpy float32)."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )
    await connection.set_type_codec(
        "vector",
        schema="public",
        format="binary",
        encoder=lambda value: Vector(value).to_binary(),
        decoder=lambda data: Vector.from_binary(data).to_numpy(),
    )
