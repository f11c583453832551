"""Copies to take away: of a person and of an organisation, made by the worker."""

import io
import zipfile
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest
from litestar import Litestar

from infra.demo.verifier import verdict
from passerelle.credentials import checking
from passerelle.kernel import tasks
from tenants.privacy import export_store, exporting, packing, person_store
from tenants.privacy.archive import PassphraseTooShort
from tenants.privacy.tasks import look_for_due
from tests.browser import serving
from tests.credentials.conftest import Worker
from tests.people.factories import themselves
from tests.tenants.privacy.conftest import Elsewhere
from tests.tenants.privacy.lived import LEARNER_EMAIL, LEARNER_NAME, Lived, officer
from tests.tenants.privacy.test_carrying import PASSPHRASE, bring
from tests.tenants.privacy.test_carrying import prepared as prepared


async def packed(work: tasks.Work, person_id: UUID) -> dict[str, bytes]:
    """The person's export, opened as anyone would."""
    async with work.database.person(person_id, themselves(person_id)) as tx:
        export_id = await exporting.ask_own(tx)
    assert await packing.pack_person(work, person_id, export_id)
    read = work.database.person_reader(person_id, themselves(person_id))
    made = await person_store.export(read, export_id)
    assert made is not None
    assert made.state == "ready"
    content = await work.objects.content(read, packing.object_name(export_id))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_persons_copy_holds_what_is_theirs_and_says_what_it_is(
    work: tasks.Work, lived: Lived
) -> None:
    files = await packed(work, lived.learner_id)
    index = msgspec.json.decode(files["index.json"])
    described = {one["file"] for one in index["files"]}
    assert described <= files.keys()
    assert all(one["purpose"]["fr"] and one["ground"] for one in index["files"])
    assert {"own/person.json", "own/sharing.json", "own/consent.json"} <= files.keys()
    region = "organisations/region/"
    assert {f"{region}member.json", f"{region}attempt.json", f"{region}response.json"} <= described
    assert {f"{region}application.json", f"{region}decision.json"} <= described
    (member,) = msgspec.json.decode(files[f"{region}member.json"])
    assert (member["display_name"], member["email"]) == (LEARNER_NAME, LEARNER_EMAIL)
    (decision,) = msgspec.json.decode(files[f"{region}decision.json"])
    assert decision["decided_by_name"], "a decision has a person's name"
    assert "decided_by" not in decision
    everything = b"".join(files.values())
    assert b"canary-of-a-live-item" not in everything
    assert b"learner of retail" not in everything
    assert b"session_digest" not in everything


async def test_its_credentials_verify_with_other_peoples_tools(
    work: tasks.Work, lived: Lived, app: Litestar
) -> None:
    files = await packed(work, lived.learner_id)
    document = files[f"credentials/{lived.credential_id}.json"]
    async with serving(app, work.settings.web_port):
        found = await verdict(document)
    assert found.valid, found.reason
    check = await checking.check_document(
        work.database, work.settings.public_url, msgspec.json.decode(document)
    )
    assert check.outcome == "valid"
    (keys,) = [files[name] for name in files if name.startswith("credentials/issuers/")]
    named = msgspec.json.decode(keys)["verificationMethod"]
    proof = msgspec.json.decode(document)["proof"]
    proof = proof[0] if isinstance(proof, list) else proof
    assert proof["verificationMethod"] in {one["id"] for one in named}


async def test_the_worker_makes_it_when_asked_and_removes_it_in_time(
    work: tasks.Work, lived: Lived, run_worker: Worker, superuser: asyncpg.Connection
) -> None:
    async with work.database.person(lived.learner_id, themselves(lived.learner_id)) as tx:
        export_id = await exporting.ask_own(tx)
        with pytest.raises(exporting.ExportUnderWay):
            await exporting.ask_own(tx)
    await run_worker()
    read = work.database.person_reader(lived.learner_id, themselves(lived.learner_id))
    made = await person_store.export(read, export_id)
    assert made is not None
    assert (made.state, made.done) == ("ready", made.total)
    await superuser.execute("update person_export set expires_at = now() where id = $1", export_id)
    assert await look_for_due(work.database) == 1
    await run_worker()
    gone = await person_store.export(read, export_id)
    assert gone is not None
    assert gone.state == "expired"
    assert await work.objects.find(read, packing.object_name(export_id)) is None


async def test_an_organisation_exports_itself_and_the_file_can_be_brought_in(
    work: tasks.Work,
    lived: Lived,
    run_worker: Worker,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    superuser: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    async with work.database.tenant(lived.tenant_id, officer(lived.people)) as tx:
        with pytest.raises(PassphraseTooShort):
            await exporting.ask_of_tenant(tx, work.vault, "short")
        export_id = await exporting.ask_of_tenant(tx, work.vault, PASSPHRASE)
    # The passphrase lies sealed, and only until the file is made.
    assert PASSPHRASE not in await everything(superuser)
    await run_worker()
    read = work.database.tenant_reader(lived.tenant_id, officer(lived.people))
    made = await export_store.export(read, export_id)
    assert made is not None
    assert made.state == "ready"
    assert await superuser.fetchval("select count(sealed_passphrase) from tenant_export") == 0
    path = tmp_path / "own.zip"
    path.write_bytes(await work.objects.content(read, packing.object_name(export_id)))
    brought = await bring(elsewhere, path)
    assert brought.slug == "region"
    # Neither this export nor an earlier one lies in the file.
    assert not await prepared.fetchval("select count(*) from tenant_export")
    assert not await prepared.fetchval(
        "select count(*) from tenant_object where name like 'privacy/exports/%'"
    )


async def everything(superuser: asyncpg.Connection) -> str:
    rows = await superuser.fetch("select one::text as row from tenant_export one")
    rows += await superuser.fetch("select one::text as row from tenant_event one")
    return " ".join(row["row"] for row in rows)
