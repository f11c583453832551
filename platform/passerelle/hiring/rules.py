"""What a new requisition must hold, field by field."""

from datetime import date
from uuid import UUID

from passerelle.hiring.model import (
    LEVEL_LIMIT,
    PLACE_LENGTH_LIMIT,
    POSTS_LIMIT,
    REQUIREMENTS_LIMIT,
    TITLE_LENGTH_LIMIT,
    NewRequisition,
    Requirement,
)
from passerelle.kernel.language import N_


def requisition_errors(
    new: NewRequisition, known_skills: set[UUID], known_pipelines: set[UUID], today: date
) -> dict[str, str]:
    """What is wrong with each field; empty where the requisition can be opened."""
    errors: dict[str, str] = {}
    titles = (new.title.en, new.title.fr, new.title.ar)
    if not all(0 < len(title) <= TITLE_LENGTH_LIMIT for title in titles):
        errors["title"] = N_("Give the title in each language, in at most 200 characters")
    for field, text in (("unit", new.unit), ("place", new.place)):
        if len(text) > PLACE_LENGTH_LIMIT:
            errors[field] = N_("Use at most 200 characters")
    if not 1 <= new.posts <= POSTS_LIMIT:
        errors["posts"] = N_("Give a number of posts from 1 to 1,000")
    if new.closes_on is not None and new.closes_on < today:
        errors["closes_on"] = N_("Give a day that is not past, or leave it empty")
    if new.pipeline_id is not None and new.pipeline_id not in known_pipelines:
        errors["pipeline_id"] = N_("Choose one of your organisation's pipelines")
    wrong = _requirements_error(new.requirements, known_skills)
    if wrong:
        errors["requirements"] = wrong
    return errors


def _requirements_error(requirements: list[Requirement], known_skills: set[UUID]) -> str | None:
    skills = [one.skill_id for one in requirements]
    if not 1 <= len(skills) <= REQUIREMENTS_LIMIT:
        return N_("Ask for 1 to 40 skills")
    if len(set(skills)) != len(skills):
        return N_("Ask for each skill once")
    if not set(skills) <= known_skills:
        return N_("One of the skills is not in the taxonomy")
    if not all(0 < one.weight <= 1 for one in requirements):
        return N_("A weight is above 0 and at most 1")
    if not all(1 <= one.level <= LEVEL_LIMIT for one in requirements):
        return N_("A level is a whole number from 1 to 4")
    return None
