"""What a tenant's connection to an LMS is made of, and what launches leave behind."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from passerelle.kernel.language import Localised
from passerelle.kernel.personal_data import (
    PersonalTable,
    Retention,
    not_personal,
    register,
)

Address = Annotated[str, Meta(min_length=1, max_length=2000)]
GradeState = Literal["pending", "sent", "failed"]

GRADES_SHOWN_LIMIT: Final = 200
CONNECTIONS_LIMIT: Final = 200


class NewRegistration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an LMS says of itself when a tool is added to it by hand."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    issuer: Address
    client_id: Annotated[str, Meta(min_length=1, max_length=255)]
    deployment_ids: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(min_length=1, max_length=100)
    ]
    authorization_url: Address
    token_url: Address
    jwks_url: Address
    token_audience: Address | None = None


class Deployment(msgspec.Struct, frozen=True):
    id: UUID
    deployment_id: str


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A connected LMS. One registration serves all its deployments."""

    id: UUID
    name: str
    issuer: str
    client_id: str
    authorization_url: str
    token_url: str
    jwks_url: str
    token_audience: str | None
    deployments: list[Deployment]


class KnownUser(msgspec.Struct, frozen=True):
    """A user of the LMS who has come before. Without a member, the first coming broke off."""

    person_id: UUID
    display_name: str | None
    email: str | None


class ToolKey(msgspec.Struct, frozen=True):
    id: UUID
    public_jwk: dict[str, str]
    sealed_private_key: bytes


class Connection(msgspec.Struct, frozen=True):
    """A registration as its administrator sees it."""

    id: UUID
    name: str
    issuer: str
    client_id: str
    deployment_ids: list[str]
    users: int
    last_launch_at: datetime | None
    last_refusal_at: datetime | None
    last_refusal: str | None
    last_refusal_detail: str | None


class LmsConnected(msgspec.Struct, frozen=True):
    """Event `lms.connected`."""

    registration_id: UUID
    name: str
    issuer: str
    client_id: str
    deployment_ids: list[str]


class GradeToSend(msgspec.Struct, frozen=True, kw_only=True):
    """One score with all that the LMS is told of it. `maybe_written`: an earlier try of this very
    score got no clear answer."""

    id: UUID
    registration_id: UUID
    line_item_url: str
    scopes: list[str]
    subject: str
    score_given: int
    score_maximum: int
    score_timestamp: datetime
    attempts: int
    maybe_written: bool


class GradeShown(msgspec.Struct, frozen=True, kw_only=True):
    """A grade's way to the LMS, as learner and administrator see it."""

    id: UUID
    attempt_id: UUID
    person_id: UUID
    display_name: str
    title: str | None
    context_title: str | None
    score_given: int
    score_maximum: int
    state: GradeState
    sent_at: datetime | None
    attempts: int
    last_error: str | None


class GradeDue(msgspec.Struct, frozen=True):
    """Event `grade.due`: a grade waits to be sent."""

    grade_id: UUID


class LaunchReason(msgspec.Struct, frozen=True):
    """Why launches of a connection were refused, and how often."""

    reason: str
    detail: str | None
    times: int
    last_at: datetime


register(
    PersonalTable(
        table="lti_user",
        owner="tenant",
        purpose=Localised(
            en="By which identifier your LMS knows you",
            fr="L’identifiant sous lequel votre LMS vous connaît",
            ar="المعرّف الذي يعرفك به نظام التعلّم لديك",
        ),
        columns=("subject", "launched_at"),
    ),
    PersonalTable(
        table="lti_placement",
        owner="tenant",
        purpose=Localised(
            en="Through which links of your courses you came",
            fr="Les liens de vos cours par lesquels vous êtes venu",
            ar="روابط مقرّراتك التي دخلت منها",
        ),
        columns=("launched_at",),
    ),
    PersonalTable(
        table="lti_grade",
        owner="tenant",
        purpose=Localised(
            en="The scores that go to your LMS's grade book",
            fr="Les scores transmis au carnet de notes de votre LMS",
            ar="الدرجات التي تُرسل إلى دفتر درجات نظام التعلّم",
        ),
        columns=("score_given", "score_maximum", "finished_at", "state", "sent_at", "last_error"),
        retention=Retention(column="sent_at", days=730),
    ),
)
not_personal(
    {
        "lti_registration.name": "the name of a connection to an LMS",
        "lti_grade.line_item_id": "a column of an LMS's grade book",
    }
)
