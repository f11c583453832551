"""The form that opens a requisition, read into what the service takes."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from msgspec import Struct

from passerelle.hiring.model import REQUIREMENTS_LIMIT, NewRequisition, Requirement
from passerelle.kernel.database import TenantRead
from passerelle.kernel.language import LOCALES, N_, Locale, Localised
from passerelle.skills import service as skills
from passerelle.skills.folding import folded
from passerelle.web.formats import in_numerals
from passerelle.web.language import translate

REQUIRED_WEIGHT = 1.0
DESIRED_WEIGHT = 0.4
USUAL_LEVEL = 2
SUGGESTIONS_SHOWN = 3


class NewRequisitionForm(Struct, frozen=True):
    """What was read: `errors` has, for each field that can't be taken, what to do about it."""

    requisition: NewRequisition
    errors: dict[str, str]

    @classmethod
    async def read(
        cls, read: TenantRead, data: Mapping[str, str], locale: Locale
    ) -> "NewRequisitionForm":
        """Titles left empty take the one that was given; skills are found by their names."""
        errors: dict[str, str] = {}
        requirements: list[Requirement] = []
        for field, weight in (("required", REQUIRED_WEIGHT), ("desired", DESIRED_WEIGHT)):
            found, problem = await _skills(read, data.get(field, ""), locale)
            if problem:
                errors[field] = problem
            requirements += [
                Requirement(one, weight, USUAL_LEVEL, field == "desired") for one in found
            ]
        if "required" not in errors and not any(not one.desired for one in requirements):
            errors["required"] = translate(N_("Name at least one skill"))
        return cls(
            NewRequisition(
                title=_title(data, locale, errors),
                requirements=requirements,
                unit=data.get("unit", "").strip(),
                place=data.get("place", "").strip(),
                posts=_posts(data, errors),
                closes_on=_closes_on(data, errors),
            ),
            errors,
        )


def _title(data: Mapping[str, str], locale: Locale, errors: dict[str, str]) -> Localised:
    texts = {one: data.get(f"title_{one}", "").strip() for one in LOCALES}
    given = texts.get(locale) or next((text for text in texts.values() if text), "")
    if not given:
        errors[f"title_{locale}"] = translate(N_("Give the title in at least one language"))
    return Localised(**{one: text or given for one, text in texts.items()})


def _posts(data: Mapping[str, str], errors: dict[str, str]) -> int:
    try:
        return int(data.get("posts", ""))
    except ValueError:
        errors["posts"] = in_numerals(translate(N_("Give a number of posts from 1 to 1,000")))
        return 1


def _closes_on(data: Mapping[str, str], errors: dict[str, str]) -> date | None:
    text = data.get("closes_on", "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        errors["closes_on"] = translate(N_("Give the closing day as a date, or leave it empty"))
        return None


async def _skills(read: TenantRead, text: str, locale: str) -> tuple[list[UUID], str | None]:
    """The skills named one a line; or, for the first line that is none, what comes near."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > REQUIREMENTS_LIMIT:
        return [], in_numerals(translate(N_("Ask for 1 to 40 skills")))
    found: list[UUID] = []
    for line in lines:
        near = await skills.search(read, line, locale)
        exact = [one.id for one in near if folded(one.label) == folded(line)]
        if not exact:
            names = " · ".join(one.label for one in near[:SUGGESTIONS_SHOWN])
            if not names:
                return [], translate(N_("No skill is called “%(name)s”"), name=line)
            return [], translate(
                N_("No skill is called “%(name)s”; near it: %(near)s"), name=line, near=names
            )
        found.append(exact[0])
    return found, None
