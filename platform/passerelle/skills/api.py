"""Skills as JSON: the search that a form's list of suggestions asks."""

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from passerelle.kernel.database import TenantReader
from passerelle.kernel.language import as_locale
from passerelle.skills import service
from passerelle.skills.model import SEARCH_LENGTH_LIMIT, SkillLabel


@get("/t/{slug:str}/api/skills", permission="hiring.read")
async def search_skills(
    read: TenantReader,
    text: Annotated[str, Parameter(max_length=SEARCH_LENGTH_LIMIT)],
    locale: str | None = None,
) -> list[SkillLabel]:
    """Skills whose name in a language (en, fr, ar; the reader's own by default) holds the text."""
    return await service.search(read, text, as_locale(locale, read.actor.locale))


handlers = [search_skills]
