"""Inviting by e-mail, and taking an invitation: used once, by its address, in its organisation."""

from uuid import UUID

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantRead, TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_, Locale
from passerelle.kernel.settings import Settings
from tenants import store as tenant_store
from tenants.members import invitation_store, powers, rules, store
from tenants.members.invitation_model import (
    EMAIL,
    EMAIL_LIMIT_CHARACTERS,
    SENDS_LIMIT,
    VALID_DAYS,
    Invitation,
    InvitationRefused,
    Invited,
    Invitee,
    authentic,
    invitation_id_of,
)
from tenants.members.model import Held, MemberChanged, Standing
from tenants.members.problems import (
    DutiesInConflict,
    InvitationExpired,
    InvitationForAnother,
    InvitationUnknown,
    InvitationUsed,
    InvitationWithdrawn,
    MemberSuspended,
)
from tenants.model import Tenant
from tenants.plans.service import require_seats

TASK = "members.invitations"
#: Where a session in a person's own space keeps the address that the sign-in service verified.
VERIFIED_EMAIL = "verified_email"
ADDRESS_WRONG = N_("This is not an e-mail address.")
ALREADY_A_MEMBER = N_("This address belongs to a member already: change their roles instead.")
INVITED_ELSEWHERE = N_("This address is invited already, outside of what you manage.")


class SendsUsedUp(Conflict):
    title = N_("This invitation was sent 10 times already")
    mend = N_("Withdraw it, and invite the address anew.")


async def invite(
    tx: TenantTransaction,
    email: str,
    roles: list[str],
    unit_id: UUID | None,
    locale: Locale,
    *,
    only_in_unit: bool = False,
    name: str = "",
    days: int = VALID_DAYS,
) -> Invitation:
    """Invites an address; the worker mails the link. Again, it replaces the open invitation.

    The system may invite to any role (the owner of a new organisation); a person, to what they may
    give. `unit_id` is where the member will stand; with `only_in_unit` the roles count there only.
    Raises Invalid, by field: `email`, `roles`, `unit`.
    """
    who = Invitee(
        email=email.strip(),
        roles=roles,
        locale=locale,
        unit_id=unit_id,
        only_in_unit=only_in_unit,
        name=name,
    )
    judged = await powers.judge(tx)
    if errors := problems(judged, who):
        raise Invalid(errors=errors)
    if await invitation_store.members_by_email(tx, [folded(who.email)]):
        raise Invalid(errors={"email": ALREADY_A_MEMBER})
    return await send(tx, judged, who, days)


async def send(
    tx: TenantTransaction, judged: powers.Judged, who: Invitee, days: int = VALID_DAYS
) -> Invitation:
    """Invites someone of whom `problems` found none.

    Raises Invalid (`email`) where it would take the place of an invitation that the actor doesn't
    manage, or of one that was sent SENDS_LIMIT times.
    """
    held = await invitation_store.open_of(tx, who.email)
    if held is not None and not judged.powers.may("members.manage", held.unit_id):
        raise Invalid(errors={"email": INVITED_ELSEWHERE})
    if held is not None and held.version >= SENDS_LIMIT:
        raise Invalid(errors={"email": SendsUsedUp.title})
    saved = await invitation_store.save(tx, who, days)
    await emit(tx, "member.invited", _on_record(saved), subject=saved.id)
    return saved


def system(tenant: Tenant) -> Actor:
    """Who reads an invitation for someone who isn't a member yet."""
    return actors.system(TASK, tenant.id)


def folded(email: str) -> str:
    """As the database folds an address: small letters."""
    return email.strip().lower()


def problems(judged: powers.Judged, who: Invitee) -> dict[str, str]:
    """What is wrong with inviting someone, by field."""
    errors: dict[str, str] = {}
    if len(who.email) > EMAIL_LIMIT_CHARACTERS or not EMAIL.fullmatch(who.email):
        errors["email"] = ADDRESS_WRONG
    held = who.held
    refused = next((why for one in held if (why := judged.giving(one))), None)
    apart = rules.apart(Standing("active", who.unit_id, held), judged.roles)
    if not held:
        errors["roles"] = N_("Choose at least one role.")
    elif refused or apart:
        errors["roles"] = refused or apart or ""
    if not judged.powers.may("members.manage", who.unit_id):
        errors["unit"] = rules.OUTSIDE
    return errors


def _on_record(invitation: Invitation) -> Invited:
    return Invited(invitation.id, invitation.roles, invitation.unit_id, invitation.version)


async def send_again(tx: TenantTransaction, invitation_id: UUID) -> None:
    """A new link for another 14 days; the older one is worth nothing from now on.

    Raises NotFound, SendsUsedUp, InvitationUsed, InvitationWithdrawn.
    """
    held = await _managed(tx, invitation_id)
    if held.version >= SENDS_LIMIT:
        raise SendsUsedUp()
    await invitation_store.send_again(tx, invitation_id, VALID_DAYS)
    sent = await invitation_store.invitation(tx, invitation_id)
    assert sent is not None  # noqa: S101  locked above
    await emit(tx, "invitation.sent_again", _on_record(sent), subject=invitation_id)


async def withdraw(tx: TenantTransaction, invitation_id: UUID) -> None:
    """Raises NotFound, InvitationUsed, InvitationWithdrawn."""
    held = await _managed(tx, invitation_id)
    await invitation_store.withdraw(tx, invitation_id)
    await emit(tx, "invitation.withdrawn", _on_record(held), subject=invitation_id)


async def _managed(tx: TenantTransaction, invitation_id: UUID) -> Invitation:
    held = await invitation_store.for_change(tx, invitation_id)
    judged = await powers.judge(tx)
    if held is None or not judged.powers.may("members.manage", held.unit_id):
        raise NotFound()
    _not_closed(held)
    return held


def _not_closed(held: Invitation) -> None:
    if held.state == "accepted":
        raise InvitationUsed()
    if held.state == "withdrawn":
        raise InvitationWithdrawn()


async def shown(database: Database, settings: Settings, tenant: Tenant, token: str) -> Invitation:
    """The invitation of a link. Raises InvitationUnknown, and a child of InvitationClosed that says
    why it can't be taken any more."""
    read = database.tenant_reader(tenant.id, system(tenant))
    invitation_id = invitation_id_of(token)
    held = await invitation_store.invitation(read, invitation_id) if invitation_id else None
    return _proved(settings, read, held, token)


def _proved(
    settings: Settings, read: TenantRead, held: Invitation | None, token: str
) -> Invitation:
    if held is None or not authentic(settings, read.tenant_id, held, token):
        raise InvitationUnknown()
    _not_closed(held)
    if held.state == "expired":
        raise InvitationExpired()
    return held


async def accept(
    database: Database, settings: Settings, tenant: Tenant, token: str, actor: Actor
) -> None:
    """Makes the person in `actor`'s own space a member, with the invited roles in the invited unit.

    Raises as `shown`, and InvitationForAnother (on record), MemberSuspended, DutiesInConflict.
    """
    held = await shown(database, settings, tenant, token)
    if folded(actor.attributes.get(VERIFIED_EMAIL, "")) != held.folded_email:
        async with database.tenant(tenant.id, actor) as tx:
            refused = InvitationRefused(held.id, "another-address")
            await emit(tx, "invitation.refused", refused, subject=held.id)
        raise InvitationForAnother()
    async with database.tenant(tenant.id, actor) as tx:
        # Again, now locked: two windows, or a withdrawal at this very moment.
        held = _proved(settings, tx, await invitation_store.for_change(tx, held.id), token)
        await _join(tx, held, actor)


async def _join(tx: TenantTransaction, held: Invitation, actor: Actor) -> None:
    person_id = actor.person_id
    assert person_id is not None  # noqa: S101  the person's own space
    roles = await powers.roles_of(tx)
    known = next(iter(await store.members_for_change(tx, [person_id])), None)
    if known is not None and known.status == "suspended":
        raise MemberSuspended()
    within = held.unit_id if held.only_in_unit else None
    given = [Held(role, within) for role in held.roles if role in roles]
    if not given:
        raise InvitationWithdrawn()
    before = known.standing if known else None
    kept = [one for one in (before.roles if before else []) if one not in given]
    unit_id = held.unit_id or (before.unit_id if before else None)
    after = Standing("active", unit_id, sorted([*kept, *given], key=lambda one: one.key))
    if why := rules.apart(after, roles):
        raise DutiesInConflict(why)
    if before is None or before.status != "active":
        await require_seats(tx)
    name = held.name or actor.display_name
    await tenant_store.upsert_member(tx, person_id, name, held.email, actor.locale)
    await invitation_store.set_active(tx, person_id, held.unit_id)
    await store.give(tx, [(person_id, one.role, one.unit_id) for one in given], by=held.invited_by)
    await invitation_store.accept(tx, held.id, person_id)
    await emit(
        tx,
        "member.joined",
        MemberChanged(person_id, name, after),
        subject=person_id,
        person_id=person_id,
        before=before,
    )
