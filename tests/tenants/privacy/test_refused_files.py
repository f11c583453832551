"""Files that must not come in: touched, cut, padded, forged, of another version."""

import hashlib
import hmac
import zipfile
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from passerelle.credentials import did
from passerelle.kernel import tasks
from tenants.privacy.archive import ArchiveRefused, PassphraseTooShort, PassphraseWrong, derive
from tests.tenants.privacy.conftest import Elsewhere
from tests.tenants.privacy.lived import Lived
from tests.tenants.privacy.test_carrying import PASSPHRASE, bring, carry
from tests.tenants.privacy.test_carrying import prepared as prepared


def rewritten(source: Path, target: Path, change: dict[str, bytes | None], **more: bytes) -> Path:
    """The archive with some parts changed, left out (None) or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = change.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in more.items():
            new.writestr(name.replace("__", "/"), content)
    return target


async def test_a_file_that_was_touched_is_refused_and_leaves_nothing(
    work: tasks.Work,
    lived: Lived,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    good = tmp_path / "region.zip"
    await carry(work, lived.tenant_id, good)
    with zipfile.ZipFile(good) as archive:
        manifest = archive.read("manifest.json")
        members = archive.read("tables/member.jsonl")
        logo = next(name for name in archive.namelist() if name.startswith("objects/"))
        picture = archive.read(logo)
    promoted = members.replace(b"Youssef", b"Yousseg")
    assert promoted != members
    later = manifest.replace(b'"version": 1', b'"version": 2')
    cut = tmp_path / "cut.zip"
    cut.write_bytes(good.read_bytes()[:-2000])
    refused: dict[str, Path] = {
        "a row changed": rewritten(good, tmp_path / "1.zip", {"tables/member.jsonl": promoted}),
        "a row left out": rewritten(
            good, tmp_path / "2.zip", {"tables/member.jsonl": members.split(b"\n", 1)[1]}
        ),
        "a part left out": rewritten(good, tmp_path / "3.zip", {"tables/member.jsonl": None}),
        "a part added": rewritten(good, tmp_path / "4.zip", {}, **{"tables__more.jsonl": b""}),
        "a path upwards": rewritten(good, tmp_path / "5.zip", {}, **{"..__..__etc__x": b"x"}),
        "the manifest changed": rewritten(
            good, tmp_path / "6.zip", {"manifest.json": manifest.replace(b"region", b"regiom")}
        ),
        "no proof": rewritten(good, tmp_path / "7.zip", {"manifest.mac": None}),
        "another version": rewritten(good, tmp_path / "8.zip", {"manifest.json": later}),
        "an object changed": rewritten(good, tmp_path / "9.zip", {logo: b"\x00" + picture[1:]}),
        "cut off": cut,
        "a bomb": rewritten(good, tmp_path / "b.zip", {}, bomb=bytes(300_000_000)),
        "no archive": _text(tmp_path / "c.zip"),
    }
    for what, path in refused.items():
        with pytest.raises((ArchiveRefused, PassphraseWrong)):
            await bring(elsewhere, path)
            pytest.fail(f"taken: {what}")
        assert not await prepared.fetchval("select count(*) from tenant"), what
        assert not await prepared.fetchval("select count(*) from member"), what
    with pytest.raises(PassphraseWrong):
        await bring(elsewhere, good, "another passphrase")
    with pytest.raises(PassphraseTooShort):
        await bring(elsewhere, good, "short")


def _text(path: Path) -> Path:
    path.write_text("not a ZIP at all")
    return path


async def test_who_holds_the_passphrase_still_reaches_one_tenant_alone(
    work: tasks.Work,
    lived: Lived,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    """A file made by hand, with a proof that holds: a foreign row, a traversal, a skill unknown."""
    good = tmp_path / "region.zip"
    await carry(work, lived.tenant_id, good)
    foreign = str(lived.other.tenant_id).encode()
    forged = reproved(good, tmp_path / "f.zip", "tables/member.jsonl", lived.tenant_id, foreign)
    with pytest.raises(ArchiveRefused, match="another organisation"):
        await bring(elsewhere, forged)
    odd = reproved(good, tmp_path / "o.zip", None, lived.tenant_id, b"", name="../../evil")
    with pytest.raises(ArchiveRefused, match="name that we don't give"):
        await bring(elsewhere, odd)
    await prepared.execute("delete from skill_label; delete from occupation_skill")
    await prepared.execute("delete from skill")
    with pytest.raises(ArchiveRefused, match="taxonomy"):
        await bring(elsewhere, good)
    assert not await prepared.fetchval("select count(*) from tenant")


async def test_no_file_brings_a_key_that_speaks_for_another_organisation_here(
    work: tasks.Work,
    lived: Lived,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    good = tmp_path / "region.zip"
    await carry(work, lived.tenant_id, good)
    there = elsewhere.settings.public_url
    own = did.issuer_did(work.settings.public_url, "region").encode()
    for slug, taken in (("ministry", False), ("region", True)):
        speaking = did.issuer_did(there, slug).encode()
        forged = reproved(good, tmp_path / f"{slug}.zip", "tables/issuer_key.jsonl", own, speaking)
        if taken:
            await bring(elsewhere, forged)
        else:
            with pytest.raises(ArchiveRefused, match="speaks for"):
                await bring(elsewhere, forged)
            assert not await prepared.fetchval("select count(*) from issuer_key")


def reproved(
    source: Path,
    target: Path,
    part: str | None,
    replaced: UUID | bytes,
    instead: bytes,
    name: str = "",
) -> Path:
    with zipfile.ZipFile(source) as old:
        files = {entry: old.read(entry) for entry in old.namelist()}
    manifest = msgspec.json.decode(files["manifest.json"])
    for one in manifest["parts"]:
        if part and one["name"] == part:
            old_text = replaced if isinstance(replaced, bytes) else str(replaced).encode()
            content = files[part].replace(old_text, instead)
            files[part] = content
            one |= {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if name and one["name"] == "tables/member.jsonl":
            files[name] = files.pop(one["name"])
            one["name"] = name
    files["manifest.json"] = msgspec.json.encode(manifest)
    keys = derive(PASSPHRASE, bytes.fromhex(manifest["salt"]))
    proof = hmac.digest(keys.proving, files["manifest.json"], "sha256").hex()
    files["manifest.mac"] = proof.encode()
    with zipfile.ZipFile(target, "w") as new:
        for entry, content in files.items():
            new.writestr(entry, content)
    return target
