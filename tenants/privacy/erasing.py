"""Asking for an erasure, and taking it back while it can be."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from passerelle.kernel.database import PersonTransaction, TenantTransaction
from passerelle.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_
from tenants.privacy import person_store, store
from tenants.privacy.model import (
    COOLING_OFF_DAYS,
    REASON_LEAST_CHARACTERS,
    REASON_LIMIT_CHARACTERS,
    ErasureAsked,
    ErasureTakenBack,
    Known,
)


class ErasureAskedAlready(Conflict):
    title = N_("This erasure was asked for already")
    mend = N_("Open the list to see when it happens, or to take it back.")


class TooLateToTakeBack(Conflict):
    title = N_("This erasure can't be taken back any more")
    mend = N_("It has begun, or it was taken back before.")


class OwnErasureByOfficer(Forbidden):
    title = N_("You can't ask for your own erasure here")
    mend = N_("Do it in your own space, or ask another officer.")


class OwnerNotErased(Forbidden):
    title = N_("An owner of the organisation can't be erased")
    mend = N_("Give the role to somebody else first.")


async def ask_own(tx: PersonTransaction) -> UUID:
    """Asks for the bound person's erasure. Raises ErasureAskedAlready."""
    erasure_id = new_id()
    due_at = datetime.now(UTC) + timedelta(days=COOLING_OFF_DAYS)
    if not await person_store.ask_erasure(tx, erasure_id, due_at):
        raise ErasureAskedAlready()
    await emit(tx, "erasure.asked", ErasureAsked(erasure_id, due_at), subject=erasure_id)
    return erasure_id


async def take_back_own(tx: PersonTransaction) -> None:
    """Raises TooLateToTakeBack."""
    erasure_id = await person_store.cancel_erasure(tx)
    if erasure_id is None:
        raise TooLateToTakeBack()
    await emit(tx, "erasure.taken_back", ErasureTakenBack(erasure_id), subject=erasure_id)


def reason_problems(reason: str) -> dict[str, str]:
    if len(reason.strip()) < REASON_LEAST_CHARACTERS:
        return {"reason": N_("Say why, in at least 10 characters")}
    if len(reason) > REASON_LIMIT_CHARACTERS:
        return {"reason": N_("Use at most 500 characters")}
    return {}


async def erasable(tx: TenantTransaction, person_id: UUID) -> Known:
    """The member, if the actor may ask for their erasure. Raises NotFound, OwnErasureByOfficer,
    OwnerNotErased."""
    known = await store.known(tx, person_id)
    if known is None:
        raise NotFound()
    if person_id == tx.actor.person_id:
        raise OwnErasureByOfficer()
    if await store.is_owner(tx, person_id):
        raise OwnerNotErased()
    return known


async def ask_of_member(tx: TenantTransaction, person_id: UUID, reason: str) -> UUID:
    """An officer asks for a member's erasure. Raises as `erasable` does, Invalid for the reason,
    ErasureAskedAlready."""
    await erasable(tx, person_id)
    if problems := reason_problems(reason):
        raise Invalid(errors=problems)
    erasure_id, now = new_id(), datetime.now(UTC)
    due_at = now + timedelta(days=COOLING_OFF_DAYS)
    if not await store.ask_erasure(
        tx, erasure_id, person_id, "officer", reason.strip(), now, due_at
    ):
        raise ErasureAskedAlready()
    await emit(
        tx,
        "member.erasure_asked",
        ErasureAsked(erasure_id, due_at),
        subject=erasure_id,
        person_id=person_id,
        reason=reason.strip(),
    )
    return erasure_id


async def take_back_of_member(tx: TenantTransaction, erasure_id: UUID) -> None:
    """Raises TooLateToTakeBack."""
    if not await store.cancel_erasure(tx, erasure_id):
        raise TooLateToTakeBack()
    await emit(tx, "member.erasure_taken_back", ErasureTakenBack(erasure_id), subject=erasure_id)
