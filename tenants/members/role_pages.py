"""Roles: the product's ten, and those of the organisation's own; what each allows, who holds it."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.response import Redirect, Response

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantRead, TenantReader
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import LOCALES, N_, Localised
from passerelle.web.language import current, translate
from passerelle.web.page import Page
from tenants.access.permissions import CATALOGUE, SEPARATIONS
from tenants.access.roles import ROLES
from tenants.access.sessions import Sessions
from tenants.members import directory, labels, role_service, role_store, units
from tenants.members.powers import judge
from tenants.members.problems import DutiesInConflict, RoleUnknown
from tenants.members.role_model import Role, RoleText

ROOT = "/t/{slug:str}/members/roles"
ROLE = ROOT + "/{code:str}"
AnyRequest = Request[None, None, State]

EVENT_NAMES = {
    "role.made": N_("Made"),
    "role.changed": N_("Changed"),
    "role.retired": N_("Retired"),
    "role.restored": N_("Restored"),
}


async def _role(read: TenantRead, code: str) -> tuple[Role | None, list[Role]]:
    """The organisation's own role of this code, or None for a built-in one. Raises RoleUnknown."""
    own = await role_store.roles(read)
    found = next((role for role in own if role.code == code), None)
    if found is None and code not in ROLES:
        raise RoleUnknown()
    return found, own


@get(ROOT, permission="members.read", include_in_schema=False)
async def listed(read: TenantReader) -> Page:
    own = await role_store.roles(read)
    judged = await judge(read)
    return Page(
        "tenants/roles.html",
        {
            "built_in": list(ROLES),
            "own": own,
            "roles": labels.RoleNames(own),
            "holders": await role_store.holder_counts(read) if _whole(read) else {},
            "may_make": judged.powers.may("roles.manage", None),
            "separations": [(translate(one.why), one) for one in SEPARATIONS],
            "catalogue": CATALOGUE,
        },
    )


def _whole(read: TenantRead) -> bool:
    return read.actor.units_for("members.read") is None


@get(ROLE, permission="members.read", include_in_schema=False)
async def role(request: AnyRequest, read: TenantReader, code: str) -> Page:
    found, own = await _role(read, code)
    tree, judged = await units.tree(read), await judge(read)
    within = directory.visible(read, tree)
    holders = await role_store.holders(
        read, code, sorted(within) if within is not None else None, role_store.HOLDERS_ROWS + 1
    )
    whole = judged.powers.may("roles.manage", None)
    return Page(
        "tenants/role.html",
        {
            "code": code,
            "role": found,
            "roles": labels.RoleNames(own),
            "permissions": [
                one
                for one in CATALOGUE.values()
                if one.name in (ROLES.get(code) or (found.permissions if found else ()))
            ],
            "holders": holders[: role_store.HOLDERS_ROWS],
            "more_holders": len(holders) > role_store.HOLDERS_ROWS,
            "tree": tree,
            "history": await role_store.history(read, found.id) if found else [],
            "event_names": EVENT_NAMES,
            "giver": labels.giver,
            "may_change": whole and found is not None,
            "may_copy": whole,
            "may_look": judged.powers.may("members.manage", None)
            and (found is None or found.retired_at is None),
            "done": "done" in request.query_params,
        },
    )


@get("/t/{slug:str}/members/role", permission="roles.manage", include_in_schema=False)
async def new(read: TenantReader, copy: str = "") -> Page:
    """A role to be made, from nothing or from another."""
    values: dict[str, str] = {"copied_from": ""}
    permissions: list[str] = []
    if copy:
        found, own = await _role(read, copy)
        name = labels.RoleNames(own).name(copy)
        values = {
            f"name_{current().locale}": translate("%(role)s (copy)", role=name),
            "copied_from": copy,
            "purpose": found.purpose if found else "",
        }
        permissions = sorted(ROLES.get(copy) or (found.permissions if found else ()))
    return await _form(read, None, values, permissions, {})


@get(ROLE + "/change", permission="roles.manage", include_in_schema=False)
async def changing(read: TenantReader, code: str) -> Page:
    found, _ = await _role(read, code)
    if found is None:
        raise RoleUnknown()
    values = {
        "purpose": found.purpose,
        "version": str(found.version),
        **{f"name_{locale}": found.name.in_(locale) for locale in LOCALES},
    }
    return await _form(read, found, values, found.permissions, {})


async def _form(
    read: TenantRead,
    role: Role | None,
    values: Mapping[str, str],
    permissions: list[str],
    errors: Mapping[str, str],
) -> Page:
    judged = await judge(read)
    offered = [
        one
        for one in CATALOGUE.values()
        if not one.owners and (not one.authority or judged.powers.may(one.name, None))
    ]
    return Page(
        "tenants/role_form.html",
        {
            "role": role,
            "values": values,
            "chosen": permissions,
            "errors": {name: translate(text) for name, text in errors.items()},
            "offered": [(one.name, translate(one.label), translate(one.allows)) for one in offered],
            "separations": [translate(one.why) for one in SEPARATIONS],
        },
        status_code=400 if errors else 200,
    )


async def _sent(request: AnyRequest) -> tuple[dict[str, str], list[str]]:
    form = await request.form()
    data = {name: str(form.get(name) or "").strip() for name in form}
    return data, [str(one) for one in form.getall("permissions", [])]


def _text(data: Mapping[str, str], permissions: list[str]) -> RoleText:
    """A name left empty takes that of the page's language, or another that was given."""
    names = {locale: data.get(f"name_{locale}", "") for locale in LOCALES}
    given = names[current().locale] or next((name for name in names.values() if name), "")
    return RoleText(
        name=Localised(**{locale: name or given for locale, name in names.items()}),
        purpose=data.get("purpose", ""),
        permissions=sorted(set(permissions)),
    )


@post(
    "/t/{slug:str}/members/role",
    permission="roles.manage",
    include_in_schema=False,
    status_code=200,
)
async def make(
    request: AnyRequest, read: TenantReader, database: Database, actor: Actor, slug: str
) -> Response[str] | Page:
    data, permissions = await _sent(request)
    try:
        async with database.tenant(read.tenant_id, actor) as tx:
            copied_from = data.get("copied_from") or None
            code = await role_service.make(tx, _text(data, permissions), copied_from)
    except Invalid as problem:
        return await _form(read, None, data, permissions, _by_field(problem))
    return Redirect(f"/t/{slug}/members/roles/{code}?done", status_code=303)


@post(ROLE + "/change", permission="roles.manage", include_in_schema=False, status_code=200)
async def change(
    request: AnyRequest,
    read: TenantReader,
    database: Database,
    sessions: Sessions,
    actor: Actor,
    slug: str,
    code: str,
) -> Response[str] | Page:
    """Counts for all who hold it from their next request on."""
    data, permissions = await _sent(request)
    found, _ = await _role(read, code)
    try:
        async with database.tenant(read.tenant_id, actor) as tx:
            await role_service.change(tx, code, _version(data), _text(data, permissions))
    except Invalid as problem:
        return await _form(read, found, data, permissions, _by_field(problem))
    except DutiesInConflict as problem:
        return await _form(read, found, data, permissions, {"permissions": str(problem)})
    await sessions.changed(read.tenant_id)
    return Redirect(f"/t/{slug}/members/roles/{code}?done", status_code=303)


def _by_field(problem: Invalid) -> dict[str, str]:
    """The name's error at the field that the page shows first."""
    return {
        (f"name_{current().locale}" if name == "name" else name): text
        for name, text in problem.errors.items()
    }


def _version(data: Mapping[str, str]) -> int:
    text = data.get("version", "")
    return int(text) if text.isdecimal() else 0


@post(ROLE + "/retire", permission="roles.manage", include_in_schema=False)
async def retire(
    request: AnyRequest,
    database: Database,
    sessions: Sessions,
    actor: Actor,
    slug: str,
    code: str,
) -> Redirect:
    """Retires a role, or restores it: the way back is one click away."""
    data, _ = await _sent(request)
    assert actor.tenant_id is not None  # noqa: S101  a member's session
    async with database.tenant(actor.tenant_id, actor) as tx:
        retired = data.get("retired") == "yes"
        await role_service.retire(tx, code, _version(data), retired=retired)
    await sessions.changed(actor.tenant_id)
    return Redirect(f"/t/{slug}/members/roles/{code}?done", status_code=303)


handlers: list[Any] = [listed, role, new, changing, make, change, retire]
