"""The first owner of a new organisation: invited by mail, or who proved their address."""

from uuid import UUID

from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.language import Locale
from tenants.members.invitations import invite
from tenants.organisations.provisioning import Then
from tenants.service import admit

OWNER = "owner"


def invited(email: str, locale: Locale) -> Then:
    """Invites an address to own the organisation; the worker mails the link. Raises Invalid."""

    async def then(tx: TenantTransaction) -> None:
        await invite(tx, email, [OWNER], None, locale)

    return then


def admitted(person_id: UUID, display_name: str, email: str, locale: Locale) -> Then:
    """Makes a person its owner at once."""

    async def then(tx: TenantTransaction) -> None:
        await admit(tx, person_id, display_name, email, locale, [OWNER])

    return then
