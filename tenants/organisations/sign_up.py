"""Self-service: an organisation asked for on the public page, made once its e-mail is proved.

Nothing of it exists before: a row of its own holds what was asked for, for a day, and the mailed
link opens it. Whoever signs in with that link owns the organisation.
"""

import base64
import binascii
from uuid import UUID

import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.clocks import clock
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound, TenantSuspended
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Locale, Localised
from passerelle.kernel.personal_data import PersonalTable, register
from passerelle.kernel.secrets import SealBroken, Vault
from passerelle.kernel.settings import Settings
from tenants.organisations import relay_store
from tenants.organisations import sign_up_store as store
from tenants.organisations.model import NewOrganisation, Provisioned, SignUp
from tenants.organisations.owners import OWNER, admitted
from tenants.organisations.problems import SignUpClosed, SignUpUnknown
from tenants.organisations.provisioning import provision, request_of
from tenants.service import active_member

TASK = "organisations.sign-up"
VALID_HOURS = 24
CLEARED_EVERY_S = 600.0
CONTEXT = "sign-up"
TOKEN_LIMIT_CHARACTERS = 200

register(
    PersonalTable(
        table="sign_up",
        owner="person",
        purpose=Localised(
            "To prove the e-mail address of whoever asks for an organisation",
            "Prouver l’adresse électronique de qui demande une organisation",
            "إثبات البريد الإلكتروني لمن يطلب إنشاء مؤسسة",
        ),
        columns=("email", "locale"),
    )
)


class SignUpAsked(msgspec.Struct, frozen=True):
    """`organisation.sign_up_asked`, of a person who is not known yet. No address: see the row."""

    sign_up_id: UUID


def check_open(settings: Settings) -> None:
    """Raises SignUpClosed."""
    if not settings.sign_up_open:
        raise SignUpClosed()


async def ask(database: Database, new: NewOrganisation, email: str, locale: Locale) -> None:
    """Keeps what was asked for; the worker mails the link."""
    applicant, sign_up_id = new_id(), new_id()
    async with database.person(applicant, actors.system(TASK)) as tx:
        await store.insert(tx, sign_up_id, new, email, locale, VALID_HOURS)
        asked = SignUpAsked(sign_up_id)
        await emit(tx, "organisation.sign_up_asked", asked, subject=sign_up_id)


def token_of(vault: Vault, applicant: UUID, sign_up_id: UUID) -> str:
    """The link's last part: sealed, so that nobody makes one and nothing can be read in it."""
    sealed = vault.seal(applicant.bytes + sign_up_id.bytes, context=CONTEXT)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _opened(vault: Vault, token: str) -> tuple[UUID, UUID]:
    """Raises SignUpUnknown."""
    if len(token) > TOKEN_LIMIT_CHARACTERS or not token.isascii():
        raise SignUpUnknown()
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        content = vault.open(sealed, context=CONTEXT)
        return UUID(bytes=content[:16]), UUID(bytes=content[16:])
    except (binascii.Error, SealBroken, ValueError):
        raise SignUpUnknown() from None


async def shown(database: Database, vault: Vault, token: str) -> tuple[UUID, SignUp]:
    """The applicant's id and what they asked for. Raises SignUpUnknown."""
    applicant, sign_up_id = _opened(vault, token)
    read = database.person_reader(applicant, actors.system(TASK))
    found = await store.sign_up(read, sign_up_id)
    if found is None:
        raise SignUpUnknown()
    return applicant, found


async def make(
    database: Database, settings: Settings, vault: Vault, token: str, actor: Actor
) -> Provisioned:
    """Makes the organisation with the person in `actor`'s own space as its owner; again by the same
    person, it answers the same. Raises SignUpClosed, SignUpUnknown, SlugTaken."""
    check_open(settings)
    applicant, asked = await shown(database, vault, token)
    person_id = actor.person_id
    assert person_id is not None  # noqa: S101  the person's own space
    made = await provision(
        database,
        asked.organisation,
        request=request_of("sign-up", str(asked.id), asked.organisation),
        then=admitted(person_id, actor.display_name, asked.email, asked.locale),
        actor=actor,
    )
    if not made.created and not await _owns(database, made.id, person_id):
        raise SignUpUnknown()
    async with database.person(applicant, actors.system(TASK)) as tx:
        await store.delete(tx, asked.id)
    return made


async def _owns(database: Database, tenant_id: UUID, person_id: UUID) -> bool:
    try:
        async with database.tenant(tenant_id, actors.system(TASK, tenant_id)) as tx:
            return OWNER in (await active_member(tx, person_id)).roles
    except (NotFound, TenantSuspended):
        return False


@clock(CLEARED_EVERY_S)
async def clear_expired(database: Database) -> int:
    """Removes sign-ups that nobody confirmed in time, e-mail address and all."""
    expired = await relay_store.expired_sign_ups(database)
    for applicant, sign_up_id in expired:
        async with database.person(applicant, actors.system(TASK)) as tx:
            await store.delete(tx, sign_up_id)
    return len(expired)
