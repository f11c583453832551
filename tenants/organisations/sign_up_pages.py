"""The public page on which an organisation is asked for, one thing a page; and its mailed link."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect
from redis.asyncio import Redis

from passerelle.kernel.actor import PERSON, PUBLIC, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.language import LOCALES, N_, as_locale
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.skills.folding import folded
from passerelle.web.language import current
from passerelle.web.page import Page
from tenants.access.operator import count
from tenants.members.invitation_model import EMAIL, EMAIL_LIMIT_CHARACTERS
from tenants.organisations import sign_up
from tenants.organisations.model import NewOrganisation, name_problems
from tenants.organisations.problems import SlugTaken
from tenants.organisations.provisioning import address_problem
from tenants.organisations.unit_pages import names_of, shown_errors

HOUR_S = 3600
#: An hour, of one network address, and to one e-mail address.
ASKED_LIMIT = 10
MAILS_LIMIT = 3
ADDRESSES_LIMIT = 600
STEPS = ("name", "address", "language", "email", "check")
FIELDS = ("name_en", "name_fr", "name_ar", "slug", "default_locale", "email")
SLUG_LIMIT_CHARACTERS = 31
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
AnyRequest = Request[Any, Any, Any]


class Draft(msgspec.Struct, frozen=True):
    """What is on the way: `new` and `email` as far as they are given, `errors` by field."""

    new: NewOrganisation
    email: str
    errors: dict[str, str]


async def read_form(database: Database, data: dict[str, str]) -> Draft:
    """Every field looked at; the page shows the errors of its own step."""
    new = NewOrganisation(
        slug=data.get("slug", "").strip().lower(),
        name=names_of(data),
        default_locale=as_locale(data.get("default_locale"), current().locale),
    )
    errors = name_problems(new.name)
    wrong = await address_problem(database, new.slug)
    if wrong:
        errors["slug"] = wrong
    email = data.get("email", "").strip()
    if len(email) > EMAIL_LIMIT_CHARACTERS or not EMAIL.fullmatch(email):
        errors["email"] = N_("Give an e-mail address, such as name@example.org")
    return Draft(new, email, shown_errors(errors))


def errors_of(step: str, draft: Draft) -> dict[str, str]:
    """Those that the page of a step can mend."""
    mended = {
        "name": [f"name_{one}" for one in LOCALES],
        "address": ["slug"],
        "language": [],
        "email": ["email"],
    }
    return {name: draft.errors[name] for name in mended.get(step, []) if name in draft.errors}


def suggested(data: dict[str, str]) -> str:
    """An address made of the name's Latin letters; '' where it has none."""
    for locale in ("en", "fr"):
        words = folded(data.get(f"name_{locale}", "")).split()
        ascii_words = [word for word in words if word.isascii() and word.isalnum()]
        slug = "-".join(ascii_words).lstrip("0123456789-")[:SLUG_LIMIT_CHARACTERS].rstrip("-")
        if len(slug) > 1:
            return slug
    return ""


@get("/organisations/new", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def begin(settings: Settings) -> Page:
    """The first question."""
    sign_up.check_open(settings)
    return _step("name", {}, {})


@post("/organisations/new", permission=PUBLIC, include_in_schema=False, status_code=200)
async def go_on(
    request: AnyRequest, database: Database, settings: Settings, valkey: Redis, data: Form
) -> Page:
    """The next question, or an earlier one again; at the end the link is mailed."""
    sign_up.check_open(settings)
    await _count(request, valkey, "steps", ADDRESSES_LIMIT)
    step = data.get("step", "name")
    wanted = data.get("go", "")
    if wanted in STEPS:
        return _step(wanted, data, {})
    draft = await read_form(database, data)
    if errors := errors_of(step, draft):
        return _step(step, data, errors)
    if step != "check":
        following = STEPS[STEPS.index(step) + 1] if step in STEPS else "name"
        if following == "address" and not data.get("slug"):
            data = {**data, "slug": suggested(data)}
        return _step(following, data, {})
    for earlier in STEPS[:-1]:
        # A page that was left open: someone else took the address in the meantime.
        if errors := errors_of(earlier, draft):
            return _step(earlier, data, errors)
    await _count(request, valkey, "asked", ASKED_LIMIT)
    await count(valkey, f"sign-up:mails:{draft.email.lower()}", MAILS_LIMIT, HOUR_S)
    await sign_up.ask(database, draft.new, draft.email, current().locale)
    return Page("tenants/sign_up_sent.html", {"email": draft.email, "hours": sign_up.VALID_HOURS})


def _step(step: str, data: dict[str, str], errors: dict[str, str]) -> Page:
    values = {name: data.get(name, "") for name in FIELDS}
    values["default_locale"] = values["default_locale"] or current().locale
    number = STEPS.index(step) + 1
    return Page(
        "tenants/sign_up.html",
        {"step": step, "number": number, "steps": STEPS, "values": values, "errors": errors},
        status_code=400 if errors else 200,
    )


@get("/organisations/address", permission=PUBLIC, include_in_schema=False)
async def address(
    request: AnyRequest,
    database: Database,
    settings: Settings,
    valkey: Redis,
    slug: Annotated[str, Parameter(max_length=100)] = "",
) -> Page:
    """Whether an address is free: what the page shows while someone types."""
    sign_up.check_open(settings)
    await _count(request, valkey, "steps", ADDRESSES_LIMIT)
    slug = slug.strip().lower()
    wrong = await address_problem(database, slug)
    return Page("tenants/sign_up_address.html", {"slug": slug, "wrong": wrong}, block="answer")


async def _count(request: AnyRequest, valkey: Redis, what: str, limit: int) -> None:
    """Raises TooMany."""
    source = request.client.host if request.client else "?"
    await count(valkey, f"sign-up:{what}:{source}", limit, HOUR_S)


@get(
    "/me/organisations/{token:str}", permission=PERSON, limit="invitation", include_in_schema=False
)
async def confirm(database: Database, settings: Settings, vault: Vault, token: str) -> Page:
    """What the mailed link leads to: the last look before it is made."""
    sign_up.check_open(settings)
    _, asked = await sign_up.shown(database, vault, token)
    taken = await address_problem(database, asked.slug) == SlugTaken.title
    return Page(
        "tenants/sign_up_confirm.html",
        {"asked": asked, "token": token, "taken": taken},
        # The token is a secret of whoever opened the mail.
        headers={"referrer-policy": "no-referrer"},
    )


@post(
    "/me/organisations/{token:str}", permission=PERSON, limit="invitation", include_in_schema=False
)
async def make(
    database: Database, settings: Settings, vault: Vault, actor: Actor, token: str
) -> Redirect:
    """Makes the organisation, and leads its owner to its sign-in."""
    made = await sign_up.make(database, settings, vault, token, actor)
    return Redirect(f"/t/{made.slug}/sign-in", status_code=303)


handlers: list[Any] = [begin, go_on, address, confirm, make]
