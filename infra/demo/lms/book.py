"""What the LMS knows: its tools, users, courses' links, and the grade book. Kept in one file."""

from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from infra.servers.process import write_private

LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
# What happens to the next score: refused with 500, answered with 409 untouched, refused with 401,
# written but answered with 502 (a lost reply), or answered after some seconds.
Outcome = Literal["fail", "conflict", "unauthorized", "lose", "slow"]


class User(msgspec.Struct, kw_only=True):
    id: str
    name: str | None = None
    email: str | None = None
    locale: str | None = None
    roles: list[str] = msgspec.field(default_factory=lambda: [LEARNER])


class Link(msgspec.Struct, kw_only=True):
    """A resource link in a course, with its column in the grade book."""

    id: str
    title: str
    context_id: str
    context_title: str
    custom: dict[str, str] = {}
    score_maximum: float = 100.0


class NewTool(msgspec.Struct, kw_only=True):
    """What a tool says of itself: where its login, launch and keys are. Without `jwks_url` its
    key set stands in `key_set`. `client_id` names a tool that is set up already."""

    login_url: str
    launch_url: str
    jwks_url: str | None = None
    key_set: dict[str, list[dict[str, str]]] | None = None
    client_id: str | None = None


class Tool(msgspec.Struct, kw_only=True):
    client_id: str
    deployment_id: str
    login_url: str
    launch_url: str
    jwks_url: str | None = None
    key_set: dict[str, list[dict[str, str]]] | None = None


class Received(msgspec.Struct, kw_only=True):
    """One score that came in, and what became of it."""

    link_id: str
    user_id: str
    score_given: float
    score_maximum: float
    timestamp: str
    outcome: str


class Cell(msgspec.Struct, kw_only=True):
    """One user's grade in one column. `written` counts how often it was written."""

    score_given: float
    score_maximum: float
    timestamp: datetime
    written: int = 1


class Content(msgspec.Struct, kw_only=True):
    tools: dict[str, Tool] = {}
    users: dict[str, User] = {}
    links: dict[str, Link] = {}
    received: list[Received] = []
    grades: dict[str, dict[str, Cell]] = {}
    # Access tokens given out, by client id.
    tokens: dict[str, int] = {}


def starter_users() -> dict[str, User]:
    users = (
        User(id="amina", name="Amina Bennani", email="amina@region.example", locale="fr"),
        User(id="youssef", name="يوسف العلمي", email="youssef@region.example", locale="ar"),
        User(id="grace", name="Grace Morel", email="grace@region.example", locale="en"),
    )
    return {user.id: user for user in users}


def starter_links() -> dict[str, Link]:
    link = Link(
        id="ai-fluency-1",
        title="AI fluency, level 1",
        context_id="digital-skills",
        context_title="Digital skills",
        custom={"achievement": "ai-fluency-1"},
    )
    return {link.id: link}


class Book:
    """The content, written to `lms.json` after each change."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lms.json"
        # By user; what is planned for "*" meets whoever's score comes next.
        self.plan: dict[str, list[Outcome]] = {}
        self.spent_assertions: set[str] = set()
        if self._path.exists():
            self.content = msgspec.json.decode(self._path.read_bytes(), type=Content)
        else:
            self.content = Content(users=starter_users(), links=starter_links())

    def save(self) -> None:
        write_private(self._path, msgspec.json.encode(self.content))

    def add_tool(self, new: NewTool) -> Tool:
        """The tool, new or (where `client_id` names a known one) as it is now."""
        number = len(self.content.tools) + 1
        known = self.content.tools.get(new.client_id or "")
        tool = Tool(
            client_id=known.client_id if known else f"passerelle-{number}",
            deployment_id=known.deployment_id if known else str(number),
            login_url=new.login_url,
            launch_url=new.launch_url,
            jwks_url=new.jwks_url,
            key_set=new.key_set,
        )
        self.content.tools[tool.client_id] = tool
        self.save()
        return tool

    def next_outcome(self, user_id: str) -> Outcome | None:
        """What is planned for the next score of this user, which is then spent."""
        planned = self.plan.get(user_id) or self.plan.get("*")
        return planned.pop(0) if planned else None

    def write_score(self, link_id: str, user_id: str, score: Received, when: datetime) -> bool:
        """Whether it was written: a score no later than the last by whole seconds is not."""
        column = self.content.grades.setdefault(link_id, {})
        cell = column.get(user_id)
        if cell is not None and when.replace(microsecond=0) <= cell.timestamp:
            return False
        column[user_id] = Cell(
            score_given=score.score_given,
            score_maximum=score.score_maximum,
            timestamp=when.replace(microsecond=0),
            written=1 if cell is None else cell.written + 1,
        )
        return True
