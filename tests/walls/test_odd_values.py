"""Values that no page offers: refused in words, never as a fault of ours."""

import pytest
from litestar import Litestar

from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tests.tenants.members.conftest import House, actor_of
from tests.tenants.members.conftest import house as house
from tests.walls.world import visitor

READ = (
    "/members?role=%00",
    "/members/invitations?q=%00",
    "/audit?text=%00",
    "/audit?name=%00",
    "/audit?until=9999-12-31",
    "/audit?as_of=9999-12-31",
    "/members/{amina}?day=9999-12-31",
    "/privacy/ledger?as_of=9999-12-31",
)
WRITTEN = (
    ("/members/filters", {"name": "a\0b", "q": "x"}),
    ("/members/invite", {"emails": "a\0b@example.org", "roles": "learner"}),
    ("/members/{amina}", {"kind": "suspend", "reason": "a\0b"}),
    ("/settings/branding", {"colour": "", "version": "0", "reason": "a\0b"}),
    (
        "/members/role",
        {"name_en": "a\0b", "name_fr": "b", "name_ar": "c", "permissions": "hiring.read"},
    ),
)


@pytest.mark.parametrize("path", READ)
async def test_an_odd_address_is_refused_in_words(
    app: Litestar, settings: Settings, database: Database, house: House, path: str
) -> None:
    async with visitor(app, settings, await actor_of(database, house, "admin")) as visiting:
        asked = f"/t/{house.slug}{path}".format(amina=house.people["amina"])
        answer = await visiting.send("GET", asked)
        assert answer.status_code == 400, answer.status_code


@pytest.mark.parametrize(("path", "sent"), WRITTEN)
async def test_an_odd_text_is_refused_in_words(
    app: Litestar,
    settings: Settings,
    database: Database,
    house: House,
    path: str,
    sent: dict[str, str],
) -> None:
    async with visitor(app, settings, await actor_of(database, house, "admin")) as visiting:
        asked = f"/t/{house.slug}{path}".format(amina=house.people["amina"])
        answer = await visiting.send("POST", asked, data=sent)
        assert answer.status_code < 500, answer.status_code
