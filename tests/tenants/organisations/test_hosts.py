"""A host name leads to the organisation that proved it, and to nobody who merely says so."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import dns.asyncresolver
import dns.message
import dns.rrset
import httpx
import pytest
from litestar import Litestar

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.settings import Settings
from tenants.organisations import host_store, hosts, proofs
from tenants.organisations.host_model import WELL_KNOWN, Host, host_problem
from tenants.organisations.problems import HostUnknown
from tests.conftest import People, csrf_headers
from tests.tenants.organisations.factories import administrator, sign_in_administrator

LONG_AGO = """
update tenant_host set checked_at = now() - interval '2 days' where proved_at is not null
"""
PUBLIC_URL = "http://localhost:8000"


class Internet:
    """Other people's name servers and web servers: which tokens stand at which names."""

    def __init__(self) -> None:
        self.shown: dict[str, str] = {}

    async def shows(self, host: Host) -> bool:
        return self.shown.get(host.host) == host.token


@pytest.fixture
def internet(app: Litestar) -> Internet:
    found = app.state["proofs"] = Internet()
    return found


async def claimed(database: Database, actor: Actor, name: str) -> Host:
    assert actor.tenant_id is not None
    async with database.tenant(actor.tenant_id, actor) as tx:
        return await hosts.claim(tx, PUBLIC_URL, name)


async def test_a_proved_name_leads_to_the_organisations_pages_and_a_claimed_one_nowhere(
    app: Litestar,
    database: Database,
    settings: Settings,
    internet: Internet,
    two_tenants: tuple[People, People],
) -> None:
    one, other = two_tenants
    mine = await claimed(database, administrator(one), "academy.example.org")
    await claimed(database, administrator(other), "academy.example.org")
    internet.shown["academy.example.org"] = mine.token
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]

    async def opened(host: str, path: str = "/", method: str = "GET") -> httpx.Response:
        door = httpx.AsyncClient(transport=transport, base_url=f"http://{host}")
        async with door:
            return await door.request(method, path)

    assert (await opened("other.example.org")).status_code == 200
    assert await hosts.check(database, internet, administrator(other), mine.host) == "not-proved"
    assert await hosts.check(database, internet, administrator(one), mine.host) == "proved"
    for host in ("academy.example.org", "ACADEMY.example.org", "academy.example.org:443"):
        answer = await opened(host)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"{settings.public_url}/t/{one.slug}",
        ), host
    kept = await opened("academy.example.org", f"/t/{one.slug}/sign-in?next=%2Fx")
    assert kept.headers["location"] == f"{PUBLIC_URL}/t/{one.slug}/sign-in?next=%2Fx"
    for path in (f"/t/{other.slug}/hiring", f"/t/{other.slug}", "/me", "/verify"):
        elsewhere = await opened("academy.example.org", path)
        assert elsewhere.headers["location"] == f"{PUBLIC_URL}/t/{one.slug}", path
    for path in ("//evil.org", f"/t/{one.slug}x/y", "/%0d%0aa:b", "/t/..%2f"):
        nowhere = await opened("academy.example.org", path)
        home = f"{PUBLIC_URL}/t/{one.slug}"
        assert nowhere.status_code == 404 or nowhere.headers["location"] == home, path
    assert (await opened("academy.example.org", "/verify", "POST")).status_code == 421
    assert (await opened("academy.example.org", WELL_KNOWN)).text == mine.token
    for header in ("x-forwarded-host", "forwarded", "x-host", "x-original-host"):
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
            spoofed = await client.get("/", headers={header: "academy.example.org"})
        assert spoofed.status_code == 200, header


async def test_taken_and_not_proved_cant_be_told_apart(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    internet: Internet,
    two_tenants: tuple[People, People],
) -> None:
    one, other = two_tenants
    theirs = await claimed(database, administrator(one), "taken.example.org")
    internet.shown["taken.example.org"] = theirs.token
    assert await hosts.check(database, internet, administrator(one), theirs.host) == "proved"

    mine = await claimed(database, administrator(other), "taken.example.org")
    never = await claimed(database, administrator(other), "never.example.org")
    internet.shown["taken.example.org"] = mine.token
    await sign_in_administrator(client, app, other)
    headers = await csrf_headers(client)
    answers = [
        await client.post(f"/t/{other.slug}/hosts/{name}/test", headers=headers)
        for name in (mine.host, never.host)
    ]
    assert {each.status_code for each in answers} == {303}, answers[0].text
    assert {(each.status_code, each.headers["location"]) for each in answers} == {
        (303, f"/t/{other.slug}/hosts?done=not-proved")
    }
    read = database.tenant_reader(other.tenant_id, administrator(other))
    rows = {each.host: each for each in await host_store.hosts(read)}
    taken, plain = rows["taken.example.org"], rows["never.example.org"]
    assert (taken.check_ok, taken.detail, taken.proved_at, taken.failures) == (
        plain.check_ok, plain.detail, plain.proved_at, plain.failures,
    )  # fmt: skip


async def test_a_name_that_changed_hands_is_lost_and_can_then_be_proved_by_another(
    database: Database,
    superuser: asyncpg.Connection,
    internet: Internet,
    two_tenants: tuple[People, People],
) -> None:
    one, other = two_tenants
    before = await claimed(database, administrator(one), "sold.example.org")
    after = await claimed(database, administrator(other), "sold.example.org")
    internet.shown["sold.example.org"] = before.token
    await hosts.check(database, internet, administrator(one), before.host)
    internet.shown["sold.example.org"] = after.token
    for _ in range(hosts.FAILURES_LIMIT):
        await superuser.execute(LONG_AGO)
        await hosts.check_due(database, internet)
    assert await hosts.check(database, internet, administrator(other), after.host) == "proved"
    owner = await host_store.owner(database.lookup, "sold.example.org")
    assert owner is not None
    assert owner.id == other.tenant_id
    lost = "select count(*) from tenant_event where tenant_id = $1 and name = 'host.lost'"
    assert await superuser.fetchval(lost, one.tenant_id) >= 1


BAD_HOSTS = [
    "", "localhost", "example", "a..b", ".example.org", "-a.example.org", "a-.example.org",
    "a b.example.org", "https://a.example.org", "a.example.org/x", "a.example.org:8443",
    "127.0.0.1", "10.0.0.1", "[::1]", "::1", "1.2.3.4.5", "printer.local", "db.internal",
    "école.example.org", "a_b.example.org", "*.example.org", "a.example.org\n", "x" * 64 + ".org",
    "a." * 130 + "org", "app.localhost", "a.example.org\x00", "user@a.example.org",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD_HOSTS)))
async def test_what_is_no_public_host_name_is_refused(
    database: Database, two_tenants: tuple[People, People], number: int
) -> None:
    actor = administrator(two_tenants[0])
    if BAD_HOSTS[number].endswith("\n"):
        assert host_problem(BAD_HOSTS[number], PUBLIC_URL)
        return
    with pytest.raises(Invalid) as refused:
        await claimed(database, actor, BAD_HOSTS[number])
    assert list(refused.value.errors) == ["host"]


def test_the_services_own_names_belong_to_nobody() -> None:
    for host in ("passerelle.example.org", "x.passerelle.example.org", "example.org"):
        assert host_problem(host, "https://passerelle.example.org") is not None
    assert host_problem("academy.example.com", "https://passerelle.example.org") is None


async def test_an_organisation_has_so_many_names_and_gives_them_up(
    database: Database, two_tenants: tuple[People, People]
) -> None:
    from tests.conftest import create_people

    people = await create_people(database, "many-hosts")
    actor = administrator(people)
    for number in range(10):
        await claimed(database, actor, f"h{number}.example.org")
    with pytest.raises(Invalid) as refused:
        await claimed(database, actor, "h10.example.org")
    assert refused.value.errors == {"host": hosts.TOO_MANY}
    async with database.tenant(people.tenant_id, actor) as tx:
        await hosts.release(tx, "h0.example.org")
        with pytest.raises(HostUnknown):
            await hosts.release(tx, "h0.example.org")
    await claimed(database, actor, "h10.example.org")


# ---- the real look: DNS and HTTPS ----
class NameServer(asyncio.DatagramProtocol):
    """Answers TXT questions (RFC 1035) about the names it knows."""

    def __init__(self, records: dict[str, str]) -> None:
        self.records = records

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        name = question.question[0].name
        text = self.records.get(name.to_text(omit_final_dot=True))
        if text:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{text}"'))
        self.transport.sendto(answer.to_wire(), address)  # type: ignore[attr-defined]


@pytest.fixture
async def name_server() -> AsyncIterator[tuple[dict[str, str], dns.asyncresolver.Resolver]]:
    records: dict[str, str] = {}
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: NameServer(records), local_addr=("127.0.0.1", 0)
    )
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    yield records, resolver
    transport.close()


async def test_the_record_is_found_in_the_dns_and_nothing_else_counts(
    database: Database,
    settings: Settings,
    two_tenants: tuple[People, People],
    name_server: tuple[dict[str, str], dns.asyncresolver.Resolver],
) -> None:
    records, resolver = name_server
    host = await claimed(database, administrator(two_tenants[0]), "dns.example.invalid.org")
    client = GuardedClient(settings)

    async def texts(name: str) -> list[str]:
        return await proofs.texts_of(name, resolver)

    look = proofs.PublicProofs(client, texts)
    for wrong in ("", "passerelle=", host.token, f"passerelle={host.token}x"):
        records[host.record] = wrong
        assert not await look.shows(host), wrong
    records[host.record] = host.value
    assert await look.shows(host)
    await client.close()


async def test_an_address_inside_is_never_asked(settings: Settings) -> None:
    """A name that leads into a private network proves nothing: the guard refuses to go there."""

    async def none(name: str) -> list[str]:
        return []

    client = GuardedClient(settings)
    host = Host(
        host="localhost", token="t", claimed_at=None, claimed_by="", proved_at=None,  # type: ignore[arg-type]
        checked_at=None, check_ok=None, detail=None, failures=0,
    )  # fmt: skip
    assert not await proofs.PublicProofs(client, none).shows(host)
    await client.close()
