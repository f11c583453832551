"""An organisation is made whole, once, or not at all."""

import asyncio

import asyncpg
import pytest

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import Localised
from tenants.organisations import unit_store
from tenants.organisations.model import RESERVED_SLUGS, NewOrganisation, Provisioned, slug_problem
from tenants.organisations.problems import RequestKeyReused, SlugTaken
from tenants.organisations.provisioning import address_problem, provision, request_of

NAME = Localised("Ministry", "Ministère", "الوزارة")


def new(slug: str, **fields: object) -> NewOrganisation:
    return NewOrganisation(slug=slug, name=NAME, **fields)  # type: ignore[arg-type]


async def test_a_new_organisation_has_its_top_unit_and_a_record_of_its_making(
    database: Database,
) -> None:
    made = await provision(database, new("ministry"))
    read = database.tenant_reader(made.id, actors.system("tests"))
    units = await unit_store.units(read)
    assert [(one.code, one.parent_id, one.name) for one in units] == [("root", None, NAME)]
    names = await read.fetch_value(
        "select array_agg(name order by id) as names from tenant_event where tenant_id = $1",
        made.id,
    )
    assert names == ["tenant.created", "unit.added"]


async def test_of_many_that_want_one_address_at_once_one_gets_it(
    database: Database, superuser: asyncpg.Connection
) -> None:
    answers = await asyncio.gather(
        *(provision(database, new("wanted")) for _ in range(12)), return_exceptions=True
    )
    made = [one for one in answers if isinstance(one, Provisioned)]
    assert len(made) == 1
    assert all(isinstance(one, SlugTaken) for one in answers if one not in made), answers
    assert await superuser.fetchval("select count(*) from tenant where slug = 'wanted'") == 1
    # Nothing is left of those who came second.
    for table in ("unit", "tenant_event"):
        left = f"select count(*) from {table} where tenant_id not in (select id from tenant)"
        assert await superuser.fetchval(left) == 0


async def test_the_same_request_again_makes_nothing_and_answers_the_same(
    database: Database,
) -> None:
    asked = new("repeated")
    request = request_of("test", "key-1", asked)
    answers = await asyncio.gather(*(provision(database, asked, request=request) for _ in range(6)))
    assert len({one.id for one in answers}) == 1
    assert sum(one.created for one in answers) == 1
    other = new("repeated-2")
    with pytest.raises(RequestKeyReused):
        await provision(database, other, request=request_of("test", "key-1", other))
    elsewhere = await provision(database, other, request=request_of("other", "key-1", other))
    assert elsewhere.created


async def test_a_failure_on_the_way_leaves_nothing_and_the_address_free(
    database: Database, superuser: asyncpg.Connection
) -> None:
    async def fails(tx: TenantTransaction) -> None:
        raise RuntimeError("the owner could not be invited")

    before = await superuser.fetchval("select count(*) from tenant_event")
    with pytest.raises(RuntimeError):
        await provision(database, new("half-made"), then=fails)
    assert await superuser.fetchval("select count(*) from tenant_event") == before
    assert await address_problem(database, "half-made") is None
    assert (await provision(database, new("half-made"))).created


BAD_SLUGS = [
    "", "a", "A-b", "1st", "-a", "a" * 32, "a b", "a/b", "a.b", "é-cole", "a_b", "a\n", "ab\x00",
    "admin", "api", "www", "passerelle", "well-known", "ab-", "a--b", "xn--a", "а-cyrillic", "../a",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD_SLUGS)))
async def test_an_address_that_is_none_or_is_kept_is_refused(
    database: Database, number: int
) -> None:
    slug = BAD_SLUGS[number]
    assert slug_problem(slug)
    with pytest.raises(Invalid) as refused:
        await provision(database, new(slug))
    assert "slug" in refused.value.errors


async def test_kept_addresses_are_addresses_but_for_being_kept() -> None:
    assert len(RESERVED_SLUGS) > 60
    assert slug_problem("ministry-of-health") is None


BAD_NAMES = ["", "   ", " a", "a\nb", "a\x00b", "\u202eevil", "x" * 121, "a\u200b"]


@pytest.mark.parametrize("number", range(len(BAD_NAMES)))
async def test_a_name_that_cant_be_read_is_refused_by_language(
    database: Database, number: int
) -> None:
    name = Localised("Good", BAD_NAMES[number], "حسن")
    with pytest.raises(Invalid) as refused:
        await provision(database, NewOrganisation(slug="fine", name=name))
    assert list(refused.value.errors) == ["name.fr"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        request_of("operator", key, None)
