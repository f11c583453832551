"""The SQL of sign-ups: rows of a person who is not known yet."""

from uuid import UUID

from passerelle.kernel.database import PersonRead, PersonTransaction
from tenants.organisations.model import NewOrganisation, SignUp

PERSON_INSERT_SIGN_UP = """
insert into sign_up (person_id, id, slug, name, default_locale, email, locale, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 hour')
"""


async def insert(
    tx: PersonTransaction,
    sign_up_id: UUID,
    new: NewOrganisation,
    email: str,
    locale: str,
    hours: int,
) -> None:
    await tx.execute(
        PERSON_INSERT_SIGN_UP,
        tx.person_id,
        sign_up_id,
        new.slug,
        new.name,
        new.default_locale,
        email,
        locale,
        hours,
    )


PERSON_SIGN_UP = """
select id, slug, name, default_locale, email, locale, asked_at, expires_at from sign_up
where person_id = $1 and id = $2 and expires_at > now()
"""


async def sign_up(read: PersonRead, sign_up_id: UUID) -> SignUp | None:
    """None for one that is too old, or was used."""
    return await read.fetch_one(SignUp, PERSON_SIGN_UP, read.person_id, sign_up_id)


PERSON_DELETE_SIGN_UP = "delete from sign_up where person_id = $1 and id = $2"


async def delete(tx: PersonTransaction, sign_up_id: UUID) -> None:
    await tx.execute(PERSON_DELETE_SIGN_UP, tx.person_id, sign_up_id)
