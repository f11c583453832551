"""Making, changing, retiring and restoring the organisation's own roles."""

from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import LOCALES, N_
from tenants.access.permissions import CATALOGUE, conflict
from tenants.access.roles import ROLES
from tenants.members import role_store, rules
from tenants.members.powers import judge
from tenants.members.problems import DutiesInConflict, RoleChanged, RoleUnknown
from tenants.members.role_model import (
    NAME_LIMIT_CHARACTERS,
    PURPOSE_LIMIT_CHARACTERS,
    Role,
    RoleDefined,
    RoleText,
)


class TooManyRoles(Conflict):
    title = N_("An organisation has at most 100 roles of its own")
    mend = N_("Change a role that is retired, instead of making another.")


async def make(tx: TenantTransaction, text: RoleText, copied_from: str | None = None) -> str:
    """A new role; returns its code. Raises Invalid, TooManyRoles."""
    await _judge(tx, text)
    role_id = new_id()
    code = f"own-{role_id.hex[-12:]}"
    if not await role_store.insert_role(tx, role_id, code, text, copied_from):
        raise TooManyRoles()
    await emit(tx, "role.made", _defined(code, text), subject=role_id)
    return code


async def change(tx: TenantTransaction, code: str, version: int, text: RoleText) -> None:
    """Changes what a role allows, for all who hold it.

    Raises RoleUnknown, RoleChanged, Invalid, and DutiesInConflict where a holder would then hold
    what nobody holds together.
    """
    held = await _held(tx, code, version)
    await _judge(tx, text, held)
    await _no_conflicts(tx, code, frozenset(text.permissions))
    await role_store.update_role(tx, code, text)
    await emit(tx, "role.changed", _defined(code, text), subject=held.id, before=_on_record(held))


async def retire(tx: TenantTransaction, code: str, version: int, *, retired: bool) -> None:
    """A retired role allows nothing and is given to no one; who held it gets it back when it is
    restored. Raises RoleUnknown, RoleChanged, DutiesInConflict."""
    held = await _held(tx, code, version)
    if (held.retired_at is not None) == retired:
        return
    text = RoleText(name=held.name, purpose=held.purpose, permissions=held.permissions)
    await _judge(tx, text, held)
    if not retired:
        await _no_conflicts(tx, code, frozenset(held.permissions))
    await role_store.retire_role(tx, code, retired)
    name = "role.retired" if retired else "role.restored"
    after = RoleDefined(
        code=code,
        name=held.name,
        purpose=held.purpose,
        permissions=held.permissions,
        retired=retired,
    )
    await emit(tx, name, after, subject=held.id, before=_on_record(held))


async def _held(tx: TenantTransaction, code: str, version: int) -> Role:
    held = await role_store.role_for_change(tx, code)
    if held is None:
        raise RoleUnknown()
    if held.version != version:
        raise RoleChanged()
    return held


async def _judge(tx: TenantTransaction, text: RoleText, held: Role | None = None) -> None:
    """Raises Invalid: what is wrong, or beyond whoever makes the role."""
    judged = await judge(tx)
    errors: dict[str, str] = {}
    if any(not text.name.in_(locale).strip() for locale in LOCALES):
        errors["name"] = N_("Give the role a name.")
    elif any(len(text.name.in_(locale)) > NAME_LIMIT_CHARACTERS for locale in LOCALES):
        errors["name"] = N_("Use at most 80 characters.")
    if len(text.purpose) > PURPOSE_LIMIT_CHARACTERS:
        errors["purpose"] = N_("Use at most 300 characters.")
    touched = set(text.permissions) | set(held.permissions if held else ())
    known = [CATALOGUE[name] for name in touched if name in CATALOGUE]
    beyond = [one for one in known if one.authority and not judged.powers.may(one.name, None)]
    apart = conflict(text.permissions)
    if not judged.powers.may("roles.manage", None):
        errors["permissions"] = rules.NO_ROLES
    elif not text.permissions:
        errors["permissions"] = N_("Choose at least one thing that the role allows.")
    elif not set(text.permissions) <= CATALOGUE.keys() or any(one.owners for one in known):
        errors["permissions"] = N_("Choose from the list.")
    elif beyond:
        errors["permissions"] = rules.BEYOND_YOU
    elif apart:
        errors["permissions"] = apart.why
    if errors:
        raise Invalid(errors=errors)


async def _no_conflicts(tx: TenantTransaction, code: str, permissions: frozenset[str]) -> None:
    roles = {**(await judge(tx)).roles, code: permissions}
    for holder in await role_store.companions(tx, code):
        together = frozenset().union(*(roles.get(role, frozenset()) for role in holder.roles))
        if apart := conflict(together):
            raise DutiesInConflict(f"{holder.display_name}: {apart.why}")


def _defined(code: str, text: RoleText) -> RoleDefined:
    return RoleDefined(
        code=code, name=text.name, purpose=text.purpose, permissions=text.permissions
    )


def _on_record(role: Role) -> RoleDefined:
    return RoleDefined(
        code=role.code,
        name=role.name,
        purpose=role.purpose,
        permissions=role.permissions,
        retired=role.retired_at is not None,
    )


def built_in(code: str) -> bool:
    return code in ROLES
