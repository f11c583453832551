"""`passerelle outbox`: what waits to be carried out, what is dead, and trying it again."""

import json
from typing import cast

import asyncpg
import msgspec
from cyclopts import App
from rich.table import Table

from infra.commands.context import AsJson, connect_as, console, run

app = App(name="outbox", help="See what waits to be carried out, and try again what could not be.")
SHOWN_LIMIT = 100

STATE = "select waiting, dead, oldest_waiting_s from app.outbox_state()"
DEAD = "select * from app.dead_deliveries($1)"
REPLAY = "select app.replay_dead_deliveries()"


@app.command(name="list")
def show(*, as_json: AsJson = False) -> int:
    """Count what waits, and list the dead: deliveries that failed too often to be tried again.

    Parameters
    ----------
    as_json
        Print one JSON object.
    """
    state, dead = run(outbox_state())
    if as_json:
        known = {**dict(state), "deliveries": [dict(row) for row in dead]}
        print(json.dumps(msgspec.to_builtins(known)))
        return 0
    console.print(
        f"{state['waiting']} waiting, the oldest due for {state['oldest_waiting_s']:.0f} s; "
        f"{state['dead']} dead."
    )
    if dead:
        table = Table("since", "listener", "tries", "last error", "event", "of")
        for row in dead:
            table.add_row(
                f"{row['dead_at']:%Y-%m-%d %H:%M}",
                row["listener"],
                str(row["attempts"]),
                row["last_error"] or "it did not end in time",
                str(row["event_id"]),
                f"{row['scope']} {row['owner_id']}",
            )
        console.print(table)
    return 0


@app.command
def replay() -> int:
    """Try every dead delivery again. What was done already is not done twice."""
    count = run(replay_dead())
    console.print(f"{count} to be tried again by the worker.")
    return 0


async def outbox_state() -> tuple[asyncpg.Record, list[asyncpg.Record]]:
    connection = await connect_as("worker_relay")
    try:
        state = await connection.fetchrow(STATE)
        return cast(asyncpg.Record, state), await connection.fetch(DEAD, SHOWN_LIMIT)
    finally:
        await connection.close()


async def replay_dead() -> int:
    connection = await connect_as("worker_relay")
    try:
        return int(await connection.fetchval(REPLAY))
    finally:
        await connection.close()
