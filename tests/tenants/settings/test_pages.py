"""Settings as an administrator works with them: changed, tested, put back, and fought over."""

from typing import Annotated, Any, Literal

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

import infra.web  # noqa: F401  every room declares its settings
from passerelle.kernel import tenant_settings
from passerelle.kernel.actor import Actor
from passerelle.kernel.language import Localised
from passerelle.kernel.tenant_settings import SETTINGS
from passerelle.kernel.work import Work
from passerelle.web.catalogue import catalogue
from tenants.settings.fields import Picture, fields_of
from tests.conftest import People, csrf_headers, sign_in
from tests.tenants.settings.conftest import image, send, version_of

MAIL = {
    "host": "mail.example.org",
    "port": "587",
    "security": "starttls",
    "user": "passerelle",
    "password": "a secret of ours",
    "from_address": "academy@example.org",
    "from_name": "The academy",
}


async def test_the_list_says_of_each_setting_how_it_stands(
    admin: httpx.AsyncClient, people: People
) -> None:
    page = (await admin.get(f"/t/{people.slug}/settings")).text
    for setting in SETTINGS.values():
        assert f"/t/{people.slug}/settings/{setting.name}" in page
    assert "Default" in page
    assert "Not tested yet" in page


@pytest.mark.parametrize("name", sorted(SETTINGS))
async def test_every_setting_has_a_page_whose_fields_have_names_in_three_languages(
    admin: httpx.AsyncClient, people: People, name: str
) -> None:
    for field in fields_of(SETTINGS[name].type):
        texts = [field.label, *([field.hint] if field.hint else [])]
        texts += [text for _, text in field.options]
        assert not [text for text in texts if text not in catalogue()]
    for language in ("en", "fr", "ar"):
        answer = await admin.get(f"/t/{people.slug}/settings/{name}?lang={language}")
        assert answer.status_code == 200


async def test_a_learner_is_refused(
    app: Litestar, client: httpx.AsyncClient, people: People
) -> None:
    await sign_in(client, app, people, "learner")
    for path in ("settings", "settings/branding", "settings/branding/history", "api/settings"):
        assert (await client.get(f"/t/{people.slug}/{path}")).status_code == 403


async def test_a_change_is_saved_told_and_put_back(
    admin: httpx.AsyncClient, people: People
) -> None:
    address = f"/t/{people.slug}/settings/audit"
    for mailbox in ("records@example.org", "archive@example.org"):
        answer = await send(admin, address, {"mailbox": mailbox, "reason": f"Now {mailbox}"})
        assert answer.status_code == 303
    page = (await admin.get(address)).text
    assert 'value="archive@example.org"' in page
    history = (await admin.get(f"{address}/history")).text
    assert "recruiter of" not in history
    assert "Now archive@example.org" in history
    newest = history.split(f"{address}/history/")[1][:36]
    asked = (await admin.get(f"{address}/history/{newest}")).text
    assert "archive@example.org" in asked
    assert "records@example.org" in asked
    back = await send(admin, f"{address}/history/{newest}", {"reason": "Too soon"})
    assert back.status_code == 303
    assert 'value="records@example.org"' in (await admin.get(address)).text
    oldest = (await admin.get(f"{address}/history")).text.split(f"{address}/history/")[-1][:36]
    await send(admin, f"{address}/history/{oldest}", {})
    assert 'value="records@example.org"' not in (await admin.get(address)).text


async def test_of_two_who_change_at_once_the_second_sees_both_values(
    admin: httpx.AsyncClient, people: People
) -> None:
    address = f"/t/{people.slug}/settings/audit"
    version = await version_of(admin, address)
    await send(admin, address, {"mailbox": "first@example.org", "version": version})
    second = await send(admin, address, {"mailbox": "second@example.org", "version": version})
    assert second.status_code == 409
    assert "Someone changed this in the meantime" in second.text
    assert "first@example.org" in second.text
    assert 'value="second@example.org"' in second.text
    fresh = second.text.split('name="version" value="')[1].split('"')[0]
    third = await send(admin, address, {"mailbox": "second@example.org", "version": fresh})
    assert third.status_code == 303


async def test_what_was_typed_stays_when_something_is_wrong(
    admin: httpx.AsyncClient, people: People
) -> None:
    address = f"/t/{people.slug}/settings/mail"
    wrong = {**MAIL, "port": "a hundred", "from_address": "nobody"}
    answer = await send(admin, address, wrong)
    assert answer.status_code == 400
    assert 'href="#field-port"' in answer.text
    assert 'value="a hundred"' in answer.text
    assert 'value="mail.example.org"' in answer.text
    assert "a secret of ours" not in answer.text


async def test_a_secret_is_written_and_never_shown(
    admin: httpx.AsyncClient, people: People, superuser: asyncpg.Connection
) -> None:
    address = f"/t/{people.slug}/settings/mail"
    assert (await send(admin, address, MAIL)).status_code == 303
    page = (await admin.get(address)).text
    assert "One is set" in page
    value = await superuser.fetchval(
        "select value from tenant_setting where tenant_id = $1 and name = 'mail'", people.tenant_id
    )
    sealed = msgspec.json.decode(value)["password"]
    assert sealed
    everything = page + (await admin.get(f"{address}/history")).text
    everything += (await admin.get(f"/t/{people.slug}/api/settings/mail")).text
    events = await superuser.fetch(
        "select payload::text from tenant_event where tenant_id = $1", people.tenant_id
    )
    assert MAIL["password"] not in everything + "".join(row["payload"] for row in events)
    assert sealed not in everything
    await send(admin, address, {**MAIL, "password": "", "from_name": "Another name"})
    kept = await superuser.fetchval(
        "select value ->> 'password' from tenant_setting where tenant_id = $1 and name = 'mail'",
        people.tenant_id,
    )
    assert kept == sealed
    await send(admin, address, {**MAIL, "password": "", "user": "", "clear_password": "yes"})
    assert "None is set" in (await admin.get(address)).text


async def test_a_test_says_what_it_found_and_who_ran_it(
    admin: httpx.AsyncClient, people: People
) -> None:
    address = f"/t/{people.slug}/settings/audit"
    await send(admin, address, {"mailbox": ""})
    headers = await csrf_headers(admin)
    assert (await admin.post(f"{address}/test", headers=headers)).status_code == 303
    page = (await admin.get(address)).text
    assert "The test failed" in page
    assert "No mailbox is set" in page
    part = await admin.post(f"{address}/test", headers={**headers, "hx-request": "true"})
    assert part.status_code == 200
    assert part.text.lstrip().startswith("<section")
    assert "tenant_admin of" in part.text


async def breaks(work: Work, actor: Actor, value: Any) -> tenant_settings.TestResult:
    raise RuntimeError("nothing here was expected")


async def test_a_test_that_breaks_off_is_a_result_too(
    admin: httpx.AsyncClient, people: People, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenants.settings import service

    setting = msgspec.structs.replace(SETTINGS["audit"], test=breaks)
    actor = Actor(
        kind="person",
        display_name="Amina",
        person_id=people.learner_id,
        tenant_id=people.tenant_id,
    )
    result = await service.test(app.state.work, actor, setting)
    assert not result.ok
    assert "RuntimeError" not in result.detail
    assert "broke off" in (await admin.get(f"/t/{people.slug}/settings/audit")).text


async def test_the_api_reads_and_writes_with_the_same_rules(
    admin: httpx.AsyncClient, people: People
) -> None:
    address = f"/t/{people.slug}/api/settings/mail"
    headers = await csrf_headers(admin)
    read = (await admin.get(address)).json()
    wanted = {
        "value": {**MAIL, "port": 587},
        "version": read["version"],
        "reason": "By a program",
    }
    written = await admin.put(address, json=wanted, headers=headers)
    assert written.status_code == 200, written.text
    assert written.json()["value"]["password"] == ""
    assert written.json()["secrets"] == ["password"]
    again = await admin.put(address, json=wanted, headers=headers)
    assert again.status_code == 409
    wanted["version"] = written.json()["version"]
    wanted["value"] = {**MAIL, "port": 99999}
    wrong = await admin.put(address, json=wanted, headers=headers)
    assert wrong.status_code == 400
    assert "value.port" in wrong.json()["errors"]
    listed = (await admin.get(f"/t/{people.slug}/api/settings")).json()
    assert {one["name"] for one in listed} == set(SETTINGS)


async def test_the_document_describes_each_settings_own_value(app: Litestar) -> None:
    document = app.openapi_schema.to_schema()
    schemas = document["components"]["schemas"]
    for setting in SETTINGS.values():
        operations = document["paths"][f"/t/{{slug}}/api/settings/{setting.name}"]
        assert {"get", "put"} <= set(operations)
        body = operations["put"]["requestBody"]["content"]["application/json"]["schema"]
        reference = body["$ref"].rsplit("/", 1)[-1]
        value = schemas[reference]["properties"]["value"]["$ref"].rsplit("/", 1)[-1]
        assert set(schemas[value]["properties"]) == {f.name for f in fields_of(setting.type)}


class Everything(msgspec.Struct):
    """A field of every kind."""

    name: str
    site: Annotated[str, msgspec.Meta(extra={"kind": "url"})] = ""
    days: Annotated[int, msgspec.Meta(ge=30, le=3650, extra={"unit": "day"})] = 90
    least: int | None = None
    on: bool = True
    way: Literal["a", "b"] = "a"
    ways: tuple[Literal["a", "b"], ...] = ()
    title: Localised = Localised("", "", "")
    addresses: tuple[str, ...] = ()
    image: Picture | None = None


def test_a_field_of_every_kind_is_found_by_its_type() -> None:
    kinds = {field.name: (field.kind, field.optional) for field in fields_of(Everything)}
    assert kinds == {
        "name": ("text", False),
        "site": ("url", True),
        "days": ("number", False),
        "least": ("number", True),
        "on": ("check", True),
        "way": ("choice", False),
        "ways": ("choices", False),
        "title": ("localised", True),
        "addresses": ("lines", True),
        "image": ("picture", True),
    }


async def test_another_organisations_change_cannot_be_put_back_here(
    admin: httpx.AsyncClient,
    app: Litestar,
    people: People,
    two_tenants: tuple[People, People],
    superuser: asyncpg.Connection,
) -> None:
    other = two_tenants[1]
    await sign_in(admin, app, other, "tenant_admin")
    await send(admin, f"/t/{other.slug}/settings/audit", {"mailbox": "theirs@example.org"})
    theirs = await superuser.fetchval(
        "select id from tenant_event where tenant_id = $1 and name = 'setting.changed'",
        other.tenant_id,
    )
    assert (await admin.get(f"/t/{people.slug}/settings/audit/history/{theirs}")).status_code == 404


async def test_a_logo_of_another_organisation_is_unknown_here(
    admin: httpx.AsyncClient, app: Litestar, people: People, two_tenants: tuple[People, People]
) -> None:
    other = two_tenants[1]
    await sign_in(admin, app, other, "tenant_admin")
    headers = await csrf_headers(admin)
    sent = await admin.post(
        f"/t/{other.slug}/api/settings/branding/logo", content=image(), headers=headers
    )
    picture = sent.json()
    address = f"/t/{people.slug}/api/settings/branding"
    version = (await admin.get(address)).json()["version"]
    answer = await admin.put(
        address, json={"value": {"logo": picture}, "version": version}, headers=headers
    )
    assert answer.status_code == 400
    assert "logo" in answer.json()["errors"]
