"""The public pages on which anyone checks a credential, and the person's wallet."""

import io
import zipfile
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from passerelle.credentials import badge, checking, showing, wallet_store
from passerelle.credentials.api import UNLISTED, as_json, check_address
from passerelle.credentials.model import Check, WalletCredential
from passerelle.kernel.actor import PERSON, PUBLIC
from passerelle.kernel.database import Database, PersonReader
from passerelle.kernel.language import N_
from passerelle.kernel.settings import Settings
from passerelle.web import navigation
from passerelle.web.errors import wants_json
from passerelle.web.language import translate
from passerelle.web.page import Page

MULTIPART: Final = RequestEncodingType.MULTI_PART
Sent = Annotated[dict[str, Any], Body(media_type=MULTIPART)]
STATUS: Final = {"not-known": 404}

navigation.add(N_("Wallet"), "/me/wallet", permission=PERSON, space="person", order=20)


async def _result(database: Database, check: Check, status_code: int) -> Page:
    return Page(
        "credentials/result.html",
        {
            "check": check,
            "shown": await showing.shown(database, check),
            "title": showing.TITLES[check.outcome],
            "lead": showing.LEADS[check.outcome],
            "step_texts": showing.STEP_TEXTS,
        },
        status_code=status_code,
        headers=UNLISTED,
    )


@get("/verify/{credential_id:str}", permission=PUBLIC, limit="verify", include_in_schema=False)
async def result(
    request: Request[Any, Any, Any], database: Database, settings: Settings, credential_id: str
) -> Page | Response[Check]:
    """What a check of an issued credential found: the page, or JSON for a program."""
    check = await check_address(database, settings, credential_id)
    if wants_json(request):
        return as_json(check)
    return await _result(database, check, STATUS.get(check.outcome, 200))


@get("/verify", permission=PUBLIC, include_in_schema=False)
async def form() -> Page:
    """Where anyone gives a credential to be checked."""
    return _form(200, {})


@post("/verify", permission=PUBLIC, limit="verify", include_in_schema=False, status_code=200)
async def check_given(database: Database, settings: Settings, data: Sent) -> Page:
    """Checks a credential that was uploaded or pasted; nothing of it is kept."""
    file, pasted = await _uploaded(data), _pasted(data)
    if not file and not pasted:
        missing = translate(N_("Choose a file, or paste the credential below"))
        return _form(400, {"file": missing})
    try:
        document = badge.parse(file or pasted.encode())
        check = await checking.check_document(database, settings.public_url, document)
    except badge.NotACredential as problem:
        field = "file" if file else "text"
        return _form(problem.status, {field: translate(problem.title)}, pasted, problem)
    return await _result(database, check, 200)


def _form(
    status_code: int,
    errors: dict[str, str],
    pasted: str = "",
    problem: badge.NotACredential | None = None,
) -> Page:
    return Page(
        "credentials/verify.html",
        {
            "errors": errors,
            "problem": problem,
            # What is too large to be checked is too large to be sent back.
            "text": pasted if len(pasted) <= badge.DOCUMENT_LIMIT_BYTES else "",
        },
        status_code=status_code,
    )


async def _uploaded(data: dict[str, Any]) -> bytes:
    """The file's content, or as much of it as shows that it is too large."""
    file = data.get("file")
    if not isinstance(file, UploadFile):
        return b""
    return await file.read(badge.DOCUMENT_LIMIT_BYTES + 1)


def _pasted(data: dict[str, Any]) -> str:
    text = data.get("text")
    return text.strip() if isinstance(text, str) else ""


@get("/me/wallet", permission=PERSON, include_in_schema=False)
async def wallet(person_read: PersonReader) -> Page:
    """Every credential the person holds."""
    copies = await wallet_store.credentials(person_read)
    return Page(
        "credentials/wallet.html", {"copies": await showing.shown_copies(person_read, copies)}
    )


@get("/me/wallet.zip", permission=PERSON, limit="download", include_in_schema=False)
async def download(person_read: PersonReader) -> Response[bytes]:
    """All of the person's credentials as files, each as it was signed."""
    copies = await wallet_store.credentials(person_read)
    name = f"passerelle-wallet-{datetime.now(UTC):%Y-%m-%d}.zip"
    return Response(
        _zipped(copies),
        media_type="application/zip",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
        },
    )


def _zipped(copies: list[WalletCredential]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for copy in copies:
            archive.writestr(f"{copy.id}.json", copy.document)
    return written.getvalue()


handlers: list[Any] = [result, form, check_given, wallet, download]
