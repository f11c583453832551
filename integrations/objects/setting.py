"""What an organisation says of its files, and the test of the store: write, read back, delete."""

import secrets
from typing import Annotated, Final

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.errors import Problem
from passerelle.kernel.language import N_
from passerelle.kernel.ports import OBJECT_LIMIT_BYTES
from passerelle.kernel.tenant_settings import TenantSetting, TestResult, declare
from passerelle.kernel.work import Work
from passerelle.web.formats import format_number
from passerelle.web.language import translate

MEGABYTE: Final = 1_000_000
LARGEST_MB: Final = OBJECT_LIMIT_BYTES // MEGABYTE
PROBE: Final = "probes/test"
PROBE_BYTES: Final = 1_024


class FileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """No file larger than this is taken, whatever a page would take."""

    largest_mb: Annotated[
        int,
        msgspec.Meta(title=N_("Largest file"), ge=1, le=LARGEST_MB, extra={"unit": "megabyte"}),
    ] = LARGEST_MB


def problems(value: FileSettings) -> dict[str, str]:
    if 1 <= value.largest_mb <= LARGEST_MB:
        return {}
    return {"largest_mb": N_("Give a whole number of megabytes between 1 and 50")}


async def probe(work: Work, actor: Actor, value: FileSettings) -> TestResult:
    """Puts a small file of chance bytes, reads it back and deletes it, as pages would."""
    if actor.tenant_id is None:
        return TestResult(False, translate("The files of an organisation are tested in it."))
    wrote = secrets.token_bytes(PROBE_BYTES)
    try:
        async with work.database.tenant(actor.tenant_id, actor) as tx:
            await work.objects.put(tx, PROBE, wrote)
            read_back = await work.objects.content(tx, PROBE)
            await work.objects.delete(tx, PROBE)
            used_bytes = await work.objects.used_bytes(tx)
    except Problem as problem:
        return TestResult(False, f"{translate(problem.title)}. {problem.detail or ''}".strip())
    if read_back != wrote:
        return TestResult(False, translate("What was read back is not what was written."))
    told = translate(
        "Written, read back and deleted. Your files take %(size)s MB.",
        size=format_number(round(used_bytes / MEGABYTE, 1)),
    )
    return TestResult(True, told)


FILES: TenantSetting[FileSettings] = declare(
    TenantSetting(
        name="files",
        type=FileSettings,
        default=FileSettings(),
        title=N_("Files"),
        lead=N_("Logos, exports and what people hand in: kept apart for each organisation."),
        order=64,
        problems=problems,
        test=probe,
    )
)
