"""The statements on a person's own copies."""

from datetime import datetime
from uuid import UUID

from passerelle.credentials.model import WALLET_SHOWN_LIMIT, WalletCredential
from passerelle.kernel.database import PersonRead, PersonTransaction

PERSON_CREDENTIALS = """
select id, tenant_id, document, issuer_name, achievement_name, skills, earned_at, revoked_at
from wallet_credential where person_id = $1
order by earned_at desc, id limit $2
"""


async def credentials(read: PersonRead) -> list[WalletCredential]:
    """The latest first; at most WALLET_SHOWN_LIMIT."""
    return await read.fetch(
        WalletCredential, PERSON_CREDENTIALS, read.person_id, WALLET_SHOWN_LIMIT
    )


PERSON_PUT_CREDENTIAL = """
insert into wallet_credential
  (person_id, id, tenant_id, document, issuer_name, achievement_name, skills, earned_at,
   revoked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (person_id, id) do nothing
"""


async def put(tx: PersonTransaction, credential: WalletCredential) -> bool:
    """False where the copy lies there already."""
    return (
        await tx.execute(
            PERSON_PUT_CREDENTIAL,
            tx.person_id,
            credential.id,
            credential.tenant_id,
            credential.document,
            credential.issuer_name,
            credential.achievement_name,
            credential.skills,
            credential.earned_at,
            credential.revoked_at,
        )
        == 1
    )


PERSON_MARK_REVOKED = """
update wallet_credential set revoked_at = coalesce(revoked_at, $3)
where person_id = $1 and id = $2
"""


async def mark_revoked(tx: PersonTransaction, credential_id: UUID, revoked_at: datetime) -> bool:
    """False where no copy lies there (yet)."""
    return await tx.execute(PERSON_MARK_REVOKED, tx.person_id, credential_id, revoked_at) == 1


PERSON_DOCUMENT = "select document from wallet_credential where person_id = $1 and id = $2"


async def document(read: PersonRead, credential_id: UUID) -> str | None:
    """A credential of the wallet as it was signed."""
    found: str | None = await read.fetch_value(PERSON_DOCUMENT, read.person_id, credential_id)
    return found
