"""Members who are expected: made before they ever signed in, and known by what their organisation's
own identity provider will say of them.

A key counts only for whoever arrives through that very identity provider; nobody is ever taken for
someone else because of an address alone. Where keys name two people, they name nobody.
"""

import unicodedata
from collections.abc import Mapping
from typing import Final, Literal
from uuid import UUID

import msgspec

from passerelle.kernel import personal_data
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import Conflict
from passerelle.kernel.events import emit, emit_each
from passerelle.kernel.language import N_, Locale, Localised
from passerelle.kernel.personal_data import PersonalTable
from tenants import store as tenant_store
from tenants.members import arrival_store as store
from tenants.members import service
from tenants.members import store as members_store
from tenants.members.model import Change, Held, MemberChanged, Standing
from tenants.model import MemberAdmitted
from tenants.plans.service import require_seats

KeyKind = Literal["user_name", "external_id", "email"]
KEY_LIMIT_CHARACTERS: Final = 1000
#: Why the placeholder's membership ended, as it stands on record.
ARRIVED: Final = "arrived as a person known already"
#: Statements of upper rooms that follow a membership from one person to another: $1 is the tenant,
#: $2 the person who was expected, $3 the person who came.
FOLLOWING: Final[list[str]] = []


class AlreadyAMember(Conflict):
    """A membership that nobody expected stays its own: it isn't taken over."""

    title = N_("This person is a member already, and not by provisioning")
    mend = N_("End one of the two memberships first.")


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Who is expected; `locale` None is the organisation's own language."""

    person_id: UUID
    display_name: str
    email: str | None
    locale: Locale | None
    keys: Mapping[KeyKind, str]


class Arrived(MemberAdmitted, frozen=True):
    """`member.admitted` of who was expected as another person, and stands as that one stood."""

    standing: Standing
    expected_person_id: UUID


async def expected_person(read: TenantRead, keys: Mapping[str, str]) -> UUID | None:
    """The person whom these keys name; None for nobody, and where they name two."""
    found = await store.expected(read, _folded(keys))
    return found[0] if len(found) == 1 else None


async def admit(
    tx: TenantTransaction, new: Expected, roles: list[str], *, active: bool, reason: str
) -> None:
    """Makes the person, with no sign-in, and their membership. Raises SeatsTaken."""
    if active:
        await require_seats(tx)
    status = "active" if active else "suspended"
    await store.insert(tx, new.person_id, new.display_name, new.email, new.locale, status)
    await tenant_store.insert_roles(tx, new.person_id, roles)
    await store.put_keys(tx, new.person_id, _folded(new.keys), known=False)
    who = new.person_id
    admitted = MemberAdmitted(who, new.display_name, roles)
    await emit(tx, "member.admitted", admitted, subject=who, person_id=who, reason=reason)
    if not active:
        before = Standing("active", None, [Held(role) for role in sorted(roles)])
        after = msgspec.structs.replace(before, status="suspended")
        suspended = MemberChanged(who, new.display_name, after)
        await emit_each(tx, "member.suspended", [(who, suspended, before)], reason=reason)


async def rename(tx: TenantTransaction, changed: Expected) -> None:
    """Name, address, language and keys as they now are."""
    await store.rename(tx, changed.person_id, changed.display_name, changed.email, changed.locale)
    await store.put_keys(tx, changed.person_id, _folded(changed.keys), known=True)


async def forget(tx: TenantTransaction, person_id: UUID) -> None:
    """Nobody is expected as this person any more."""
    await store.put_keys(tx, person_id, [], known=True)


async def move(tx: TenantTransaction, from_person: UUID, to_person: UUID) -> None:
    """Who was expected came, and has a person of their own already: that one becomes the member,
    with the roles and the unit that waited, and the placeholder's membership ends.

    Raises AlreadyAMember.
    """
    waiting = await tenant_store.member(tx, from_person)
    if waiting is None or await tenant_store.member(tx, to_person) is not None:
        raise AlreadyAMember()
    ended = await service.change(tx, [from_person], Change("remove"), ARRIVED)
    if ended.refused:
        raise AlreadyAMember(ended.refused[0].why)
    if waiting.status == "active":
        await require_seats(tx)
    name = waiting.display_name
    await store.insert(tx, to_person, name, waiting.email, waiting.locale, waiting.status)
    held = [Held(one.role, one.unit_id) for one in waiting.grants]
    if waiting.unit_id is not None:
        await members_store.set_standing(tx, [(to_person, waiting.status, waiting.unit_id)])
    await members_store.give(tx, [(to_person, one.role, one.unit_id) for one in held])
    await store.move_keys(tx, from_person, to_person)
    for statement in FOLLOWING:
        await tx.execute(statement, tx.tenant_id, from_person, to_person)
    standing = Standing("active", waiting.unit_id, sorted(held, key=lambda one: one.key))
    arrived = Arrived(
        to_person,
        name,
        [one.role for one in held],
        msgspec.structs.replace(standing, status=waiting.status),
        from_person,
    )
    await emit(
        tx, "member.admitted", arrived, subject=to_person, person_id=to_person, reason=ARRIVED
    )


def folded_key(kind: str, key: str) -> str:
    """As keys are compared: an identifier exactly, a name or address in small letters."""
    normal = unicodedata.normalize("NFC", key.strip())[:KEY_LIMIT_CHARACTERS]
    return normal if kind == "external_id" else unicodedata.normalize("NFC", normal.lower())


def _folded(keys: Mapping[KeyKind, str] | Mapping[str, str]) -> list[tuple[str, str]]:
    return [(kind, folded_key(kind, key)) for kind, key in keys.items() if key.strip()]


personal_data.register(
    PersonalTable(
        table="member_expected",
        owner="tenant",
        purpose=Localised(
            en="By what your organisation's sign-in service will recognise you",
            fr="Ce à quoi le service de connexion de votre organisation vous reconnaîtra",
            ar="ما تتعرف به خدمة الدخول في مؤسستك عليك",
        ),
        columns=("key_kind", "key"),
    ),
)
