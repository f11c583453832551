"""What may be asked past the walls: who may ask, and that the answers are identifiers.

The functions see every row, so each column of an answer that isn't an identifier is listed here
with its reason, and so is who may call. A function that is new, or says more, fails until it is
argued.
"""

import re

import asyncpg

from infra import database as databases

TENANT_BOUND = ("live_exam", "web_tenant", "worker_tenant")
WEB = ("web_lookup",)
WORKER = ("worker_relay",)
OPERATOR = ("web_operator",)

FUNCTIONS = """
select p.proname as name, pg_get_function_result(p.oid) as result,
  array(select role from unnest($1::text[]) as role
        where has_function_privilege(role, p.oid, 'execute') order by 1) as roles
from pg_proc p where prosecdef and pronamespace = 'app'::regnamespace
"""

#: Who may call it, and what it says that is not an identifier.
KNOWN: dict[str, tuple[tuple[str, ...], str]] = {
    # What an organisation shows to everyone: its address, its name, its language, its standing.
    "tenant_by_slug": (WEB, "slug name default_locale status"),
    "tenant_by_id": (WEB, "slug name default_locale"),
    "tenant_by_host": (WEB, "slug"),
    "tenant_directory": (WEB, "slug name"),
    "tenant_by_request": (WEB, "slug request_digest"),
    "slug_is_free": (WEB, "boolean"),
    "bind_tenant": (("audit_keeper", *TENANT_BOUND), "text"),
    # The operator's own list and decisions: no row of what is inside an organisation.
    "suspend_tenant": (OPERATOR, "boolean"),
    "lift_tenant": (OPERATOR, "boolean"),
    "delete_tenant": (OPERATOR, "boolean"),
    "restore_tenant": (OPERATOR, "boolean"),
    "operator_tenants": (
        OPERATOR,
        "slug name default_locale status listed created_at suspended_at suspended_reason"
        " deletion_asked_at deletion_reason erase_after members",
    ),
    "operator_tombstone": (OPERATOR, "slug name created_at erased_at receipt"),
    "set_plan": (
        OPERATOR,
        "name seats storage_bytes requests_per_s training_minutes_per_month",
    ),
    # Privacy: what a person asks across organisations, and the proof that it was done.
    "tenants_of_person": (("web_person", "worker_person"), ""),
    "erasure_receipt": (WEB, "erased_at content"),
    "erased_persons": (("worker_tenant",), ""),
    "erase_own_record": (("worker_person",), "relation erased"),
    "redact_events": (("worker_tenant",), ""),
    "keep_receipt": (("worker_person",), "void"),
    "keep_member_tombstone": (("worker_tenant",), "void"),
    "privacy_due": (WORKER, "kind"),
    "retention_due": (WORKER, ""),
    "person_rows_over": (WORKER, ""),
    # From outside: a credential, a key, a launch, a sign-in.
    "tenant_by_credential": (WEB, ""),
    "tenant_by_issuer_key": (WEB, ""),
    "issuer_by_slug": (WEB, ""),
    "holder_of_erased_issuers": (WEB, ""),
    "lti_registrations": (WEB, ""),
    "person_by_identity": (WEB, ""),
    # Provisioning: whose token it is; a person made with their membership, who is nobody's yet.
    "scim_token": (WEB, ""),
    "make_person": (TENANT_BOUND, "void"),
    "unknown_objects": (WEB, ""),
    # Clocks: what is due.
    "statements_due": (WEB, "month"),
    "digests_due": (WEB, "scope"),
    "due_attempts": (WORKER, ""),
    "due_erasures": (WORKER, ""),
    "due_host_checks": (WORKER, "host"),
    "expired_sign_ups": (WORKER, ""),
    "every_tenant": (WORKER, ""),
    "erase_tenant": (WORKER, "relation erased"),
    # The outbox and the chain: names of events' listeners, counts, addresses.
    "relay_claim": (WORKER, "scope owners events listeners"),
    "relay_expand": (WORKER, "expanded"),
    "outbox_state": (WORKER, "waiting dead oldest_waiting_s"),
    "dead_deliveries": (WORKER, "scope listener attempts dead_at last_error"),
    "replay_dead_deliveries": (WORKER, "bigint"),
    "audit_waiting": (WORKER, ""),
    "audit_unanchored": (WORKER, "slug"),
    "audit_tenants": (WORKER, "slug"),
}


def says(result: str) -> str:
    """The columns of an answer that aren't identifiers; the type where it has no columns."""
    table = re.fullmatch(r"TABLE\((.*)\)", result)
    if table is None:
        return "" if result in ("uuid", "SETOF uuid", "trigger") else result
    columns = [column.split(" ", 1) for column in table[1].split(", ")]
    return " ".join(name for name, kind in columns if kind != "uuid")


async def test_look_ups_answer_identifiers_to_who_may_ask(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(FUNCTIONS, [*databases.LOGIN_ROLES])
    found = {
        row["name"]: (tuple(row["roles"]), says(row["result"])) for row in rows if row["roles"]
    }
    for name, (roles, columns) in found.items():
        assert name in KNOWN, f"app.{name} is not argued: {roles}, {columns!r}"
        assert (roles, columns) == KNOWN[name], f"app.{name}: {roles}, {columns!r}"


async def test_functions_that_see_every_row_are_granted_columns_and_no_table(
    superuser: asyncpg.Connection,
) -> None:
    """The definer reads columns by name: what a table gains later is out of its sight."""
    tables = await superuser.fetch(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and has_table_privilege($1, oid, 'select')",
        databases.DEFINER,
    )
    # Besides what it alone keeps: it redacts events, and sets the operator's limits.
    assert {row["relname"] for row in tables} <= {
        *("audit_pending", "tombstone", "tombstone_key", "tombstone_credential"),
        *("erasure_receipt", "tenant_event", "tenant_plan"),
    }
    secret = await superuser.fetch(
        "select attrelid::regclass::text || '.' || attname as name from pg_attribute"
        " join pg_class on pg_class.oid = attrelid"
        " where relnamespace = 'public'::regnamespace and attnum > 0 and not attisdropped"
        " and relname not in ('tenant_event', 'erasure_receipt')"
        " and (attname like 'sealed%' or attname in ('payload', 'before', 'document', 'embedding',"
        "   'stem', 'options', 'key', 'email', 'display_name', 'content', 'about'))"
        " and has_column_privilege($1, attrelid, attnum, 'select')",
        databases.DEFINER,
    )
    assert [row["name"] for row in secret] == []
