"""What people are told about their credentials."""

from passerelle.credentials import store
from passerelle.credentials.model import CredentialIssued, CredentialReceived
from passerelle.kernel.database import PersonTransaction, TenantTransaction
from passerelle.kernel.events import Event, listener
from passerelle.kernel.language import N_
from passerelle.people.notices.model import NoticeKind, declare
from passerelle.people.notices.service import notify, notify_person

ISSUED = declare(
    NoticeKind(
        name="credential.issued",
        label=N_("A credential is ready"),
        title=N_("Your credential is ready: %(achievement)s"),
        text=N_("It lies in your wallet, which belongs to you."),
        mail="at_once",
        mailed_elsewhere=True,
        permission="learn",
    )
)
RECEIVED = declare(
    NoticeKind(
        name="credential.received",
        label=N_("A credential came into the wallet"),
        title=N_("In your wallet: %(achievement)s"),
        text=N_("Share it with whom you like, or show its page to anyone."),
        spaces=frozenset({"person"}),
        mail="none",
    )
)


@listener("credential.issued", CredentialIssued)
async def tell_member(tx: TenantTransaction, event: Event[CredentialIssued]) -> None:
    """Says so where the member learns; one that was revoked meanwhile is not told."""
    issued = await store.credential(tx, event.payload.credential_id)
    if issued is None or issued.revoked_at is not None:
        return
    earned = await store.achievement(tx, issued.achievement_id)
    if earned is not None:
        await notify(
            tx,
            event.payload.person_id,
            ISSUED,
            {"achievement": earned.name},
            link="/learn",
            key=str(event.payload.credential_id),
        )


@listener("credential.received", CredentialReceived)
async def tell_person(tx: PersonTransaction, event: Event[CredentialReceived]) -> None:
    await notify_person(
        tx,
        RECEIVED,
        {"achievement": event.payload.achievement_name},
        link="/me/wallet",
        key=str(event.payload.credential_id),
    )
