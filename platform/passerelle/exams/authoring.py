"""Banks, live items and forms: what whoever builds an exam does."""

from uuid import UUID

from passerelle.exams import authoring_store as store
from passerelle.exams.authoring_store import FormRules
from passerelle.exams.model import (
    ATTEMPTS_LIMIT,
    ITEMS_PER_FORM_LIMIT,
    TIME_LIMIT_MINUTES,
    ItemText,
    flaws,
)
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid
from passerelle.kernel.language import N_, Localised


class ItemInvalid(Invalid):
    """An item that can't go live; `errors` says what is wrong with each field."""

    title = N_("This item can't be used in an exam")
    mend = N_("Mend what is listed and send it again.")


class FormInvalid(Invalid):
    title = N_("This form can't be used as an exam")
    mend = N_("Mend what is listed and send it again.")


class FormInUse(Conflict):
    """A form that was sat keeps its items and rules: results must stay comparable."""

    title = N_("Someone has sat this form: its questions and rules can't change")
    mend = N_("Make a new form under another code.")


async def define_bank(tx: TenantTransaction, code: str, name: Localised) -> UUID:
    """Creates or renames a bank; returns its id."""
    return await store.save_bank(tx, code, name)


async def define_item(tx: TenantTransaction, bank_id: UUID, item: ItemText) -> UUID:
    """Creates a live item, or rewords one that stood in nobody's attempt; returns its id.

    Raises ItemInvalid.
    """
    found = flaws(item)
    if found:
        raise ItemInvalid(item.code, errors=found)
    await store.save_item(tx, bank_id, item)
    return await store.item_id(tx, item.code)


async def define_form(tx: TenantTransaction, rules: FormRules, items: list[UUID]) -> UUID:
    """Creates a form with its items in order, or changes one that nobody sat; returns its id.

    The title may change at any time. Raises FormInvalid, FormInUse.
    """
    errors = _form_flaws(rules, items)
    if errors:
        raise FormInvalid(rules.code, errors=errors)
    held = await store.held_form(tx, rules.code)
    if held and held.sat and (held.items, _measure(held.rules)) != (items, _measure(rules)):
        raise FormInUse(rules.code)
    form_id = await store.save_form(tx, rules)
    if held is None or held.items != items:
        await store.clear_form(tx, form_id)
        await store.place_items(tx, form_id, items)
    return form_id


def _measure(rules: FormRules) -> tuple[UUID, int, int, int]:
    """What a result depends on."""
    return (
        rules.achievement_id,
        rules.cut_score,
        rules.time_limit_minutes,
        rules.attempts_allowed,
    )


def _form_flaws(rules: FormRules, items: list[UUID]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not 1 <= len(items) <= ITEMS_PER_FORM_LIMIT:
        errors["items"] = f"a form has 1 to {ITEMS_PER_FORM_LIMIT} items"
    elif len(set(items)) < len(items):
        errors["items"] = "an item stands twice in the form"
    if not 1 <= rules.cut_score <= max(len(items), 1):
        errors["cut_score"] = "the cut score lies between 1 and the number of items"
    if not 1 <= rules.time_limit_minutes <= TIME_LIMIT_MINUTES:
        errors["time_limit_minutes"] = f"the time limit is 1 to {TIME_LIMIT_MINUTES} minutes"
    if not 1 <= rules.attempts_allowed <= ATTEMPTS_LIMIT:
        errors["attempts_allowed"] = f"1 to {ATTEMPTS_LIMIT} attempts are allowed"
    return errors
