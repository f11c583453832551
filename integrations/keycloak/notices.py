"""A person is told when the ways into their account change: perhaps it was not they."""

from integrations.keycloak.model import AccountChanged
from passerelle.kernel.database import PersonTransaction
from passerelle.kernel.events import Event, listener
from passerelle.kernel.language import N_
from passerelle.people.notices.model import NoticeKind, declare
from passerelle.people.notices.service import notify_person

CHANGED = declare(
    NoticeKind(
        name="account.changed",
        label=N_("How you sign in was changed"),
        title=N_("How you sign in was changed"),
        text=N_("If it wasn't you, change your password and remove what you don't know."),
        spaces=frozenset({"person"}),
        mail="at_once",
    )
)


@listener("account.changed", AccountChanged)
async def tell_person(tx: PersonTransaction, event: Event[AccountChanged]) -> None:
    await notify_person(tx, CHANGED, link="/me/security", key=str(event.id))
