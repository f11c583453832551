"""The catalogue of permissions: what each allows, how far it reaches, and what goes with what.

`reach` says where a permission counts: `own` is about nobody but its holder; `unit` can be limited
to a unit and what lies below it; `organisation` counts for the whole organisation or not at all.
`authority` is power over people, settings or records: who grants it holds it too, and in the same
place. What has none (to learn, to decide in hiring) is given by whoever manages roles.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from passerelle.kernel.language import N_

Reach = Literal["own", "unit", "organisation"]


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    label: str
    allows: str
    reach: Reach = "organisation"
    authority: bool = False
    # Only the built-in role of the owner has it.
    owners: bool = False


CATALOGUE: dict[str, Permission] = {
    one.name: one
    for one in (
        Permission(
            name="learn",
            label=N_("Learn"),
            allows=N_("Follow paths, sit exams and earn credentials."),
            reach="own",
        ),
        Permission(
            name="learning.read",
            label=N_("Follow learning"),
            allows=N_("See who follows which path, how far they are and who is stuck."),
        ),
        Permission(
            name="items.write",
            label=N_("Write live exam questions"),
            allows=N_("See and change questions of live exams, their keys and forms."),
        ),
        Permission(
            name="hiring.read",
            label=N_("See hiring"),
            allows=N_("See requisitions, candidates who share, and why each ranks where."),
        ),
        Permission(
            name="hiring.decide",
            label=N_("Decide in hiring"),
            allows=N_("Open and close requisitions, and decide about candidates with a reason."),
        ),
        Permission(
            name="members.read",
            label=N_("See members"),
            allows=N_("Search members, see their roles, unit, sign-ins and history."),
            reach="unit",
            authority=True,
        ),
        Permission(
            name="members.manage",
            label=N_("Manage members"),
            allows=N_("Invite, move, suspend and remove members; see the product as they do."),
            reach="unit",
            authority=True,
        ),
        Permission(
            name="roles.manage",
            label=N_("Manage roles"),
            allows=N_("Give and take roles; make roles of the organisation's own."),
            reach="unit",
            authority=True,
        ),
        Permission(
            name="tenant.admin",
            label=N_("Set up the organisation"),
            allows=N_("Change its settings: branding, units, sign-in, LMS, mail, storage."),
            authority=True,
        ),
        Permission(
            name="tenant.own",
            label=N_("Own the organisation"),
            allows=N_("Name and dismiss owners; close the organisation."),
            authority=True,
            owners=True,
        ),
        Permission(
            name="usage.read",
            label=N_("See plan and usage"),
            allows=N_("See the plan, its limits and the monthly statement."),
            authority=True,
        ),
        Permission(
            name="privacy.manage",
            label=N_("Answer privacy requests"),
            allows=N_("Export and erase a person's data; set how long records are kept."),
            authority=True,
        ),
        Permission(
            name="audit.read",
            label=N_("Read the audit record"),
            allows=N_("See everything that happened in the organisation, and export it."),
            authority=True,
        ),
    )
}


class Separation(msgspec.Struct, frozen=True):
    """Two permissions that nobody holds together, and why."""

    one: str
    other: str
    why: str


#: ISO/IEC 17024, 5.2: training stands apart from certification.
SEPARATIONS = (
    Separation(
        "learning.read",
        "items.write",
        N_("Who trains people must not see the questions of their live exams."),
    ),
    Separation(
        "learn",
        "items.write",
        N_("Who sits exams must not see the questions of live exams."),
    ),
)


def conflict(permissions: Iterable[str]) -> Separation | None:
    """The first pair among these that nobody may hold together."""
    held = set(permissions)
    return next((one for one in SEPARATIONS if {one.one, one.other} <= held), None)


def in_unit(permissions: Iterable[str]) -> frozenset[str]:
    """What of these still counts when granted for a unit alone."""
    return frozenset(name for name in permissions if CATALOGUE[name].reach != "organisation")


def limited(name: str) -> bool:
    return CATALOGUE[name].reach == "unit"
