"""What the people of the story do, one deed a method: the story itself only says what it proves."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from faker import Faker

from infra.demo.browsing import Seen, look
from infra.demo.lms.book import Cell, User
from infra.demo.sign_in import browser
from infra.demo.world import World
from infra.seed.ai_fluency import WrittenItem, read_exam_items, read_study_items
from infra.seed.hiring import Candidate, create_candidate
from integrations.keycloak.administration import Administration, NewAccount
from lms.store import connections, known_user
from passerelle.kernel import actor as actors

LINK = "ai-fluency-1"
EXAM = "ai-fluency-1"
STUDIED = 3
PATIENCE_S = 30.0
JSON = {"accept": "application/json"}
Found = TypeVar("Found")


class NotSo(AssertionError):
    """The story claims something that does not hold."""


def claim(holds: object, text: str) -> str:
    """The text, if it holds. Raises NotSo; unlike `assert`, also under `python -O`."""
    if not holds:
        raise NotSo(text)
    return text


async def until(check: Callable[[], Awaitable[Found | None]], what: str) -> Found:
    """What `check` finds, as soon as it does. Raises NotSo after PATIENCE_S."""
    give_up_at = time.monotonic() + PATIENCE_S
    while (found := await check()) is None:
        if time.monotonic() > give_up_at:
            raise NotSo(f"{what}: not within {PATIENCE_S:g} s")
        await asyncio.sleep(0.05)
    return found


def flipped(document: bytes) -> bytes:
    """The document with one byte of the learner's achievement changed."""
    place = document.index(b"achievement") + 40
    return document[:place] + bytes([document[place] ^ 1]) + document[place + 1 :]


class Deeds:
    """The persons of one play, and what each can do."""

    def __init__(self, world: World) -> None:
        self.world = world
        token = secrets.token_hex(4)
        self.learner = User(id=f"user-{token}", name=Faker("fr_FR").name(), locale="fr-FR")
        self.email = f"learner-{token}@mail.example"
        self.password = f"{secrets.token_urlsafe(9)}-Aa1"
        self.desk = browser(world.settings.public_url)
        self.recruiter = browser(world.settings.public_url)
        self.person_id: UUID
        self.prose_id: UUID
        self.credential_id: UUID
        self.requisition: str

    async def learners_person(self) -> UUID:
        """Whom the launch made of the LMS's user."""
        tenant_id = self.world.tenants["region"]
        read = self.world.database.tenant_reader(tenant_id, actors.system("story", tenant_id))
        registration = await self.registration()
        user = await known_user(read, registration, self.learner.id)
        if user is None:
            raise NotSo("the launch left no user of the LMS")
        return user.person_id

    async def registration(self) -> UUID:
        tenant_id = self.world.tenants["region"]
        read = self.world.database.tenant_reader(tenant_id, actors.system("story", tenant_id))
        for connection in await connections(read):
            if connection.client_id == self.world.lms_client_id:
                return connection.id
        raise NotSo("the LMS is not connected")

    async def study(self) -> int:
        """Answers study questions rightly, as someone does who reads; returns how many."""
        items = read_study_items("ai_fluency_1_study.toml")
        page = await (await look(self.desk, "/t/region/learn")).follow("/learn/study/")
        for _ in range(STUDIED):
            choice = right_choice(page, items, "choice")
            answered = await page.submit("/learn/study/", choice=choice)
            if right_item(answered, items).rationale.fr not in answered.words:
                raise NotSo("the rationale is shown after the answer")
            page = await answered.follow("?after=")
        return STUDIED

    async def sit(self) -> tuple[str, int]:
        """Starts the exam and answers all of it; returns the attempt's path and how many."""
        items = read_exam_items("ai_fluency_1_exam.toml")
        page = await look(self.desk, f"/t/region/learn/exam/{EXAM}")
        page = await page.submit(f"/learn/exam/{EXAM}")
        attempt = page.path
        for number in range(1, len(items) + 1):
            page = await look(self.desk, f"{attempt}?question={number}")
            letter = right_choice(page, items, "answer")
            await self.autosave(page, letter)
        return attempt, len(items)

    async def autosave(self, page: Seen, letter: str) -> None:
        """Sends one answer as the page's script does."""
        (form,) = page.tree.xpath("//form[@data-autosave]")
        (token,) = page.tree.xpath("//meta[@name='csrf-token']/@content")
        reply = await self.desk.put(
            form.get("data-autosave"),
            json={"letter": letter, "later": False, "revision": 1},
            headers={**JSON, "x-csrf-token": str(token)},
        )
        saved = reply.raise_for_status().json()
        if not (saved["accepted"] and saved["letter"] == letter and saved["saved_at"]):
            raise NotSo(f"the answer was not acknowledged: {saved}")

    async def passed(self) -> bool:
        tenant_id = self.world.tenants["region"]
        read = self.world.database.tenant_reader(tenant_id, actors.system("story", tenant_id))
        passed: bool = await read.fetch_value(
            "select passed from attempt where tenant_id = $1 and person_id = $2",
            tenant_id,
            self.person_id,
        )
        return passed

    async def grade(self) -> Cell | None:
        return await asyncio.to_thread(self.world.lms.grade, LINK, self.learner.id)

    async def grade_is_settled(self) -> bool | None:
        """Whether no delivery about this learner's exam is open: nothing more will be sent."""
        tenant_id = self.world.tenants["region"]
        read = self.world.database.tenant_reader(tenant_id, actors.system("story", tenant_id))
        open_deliveries = await read.fetch_value(
            "select count(*) from tenant_delivery delivery join tenant_event event"
            " on event.tenant_id = delivery.tenant_id and event.id = delivery.event_id"
            " where delivery.tenant_id = $1 and event.person_id = $2 and delivery.done_at is null",
            tenant_id,
            self.person_id,
        )
        return True if open_deliveries == 0 else None

    async def issued(self) -> UUID | None:
        tenant_id = self.world.tenants["region"]
        read = self.world.database.tenant_reader(tenant_id, actors.system("story", tenant_id))
        found: UUID | None = await read.fetch_value(
            "select id from issued_credential"
            " where tenant_id = $1 and person_id = $2 and issued_at is not null",
            tenant_id,
            self.person_id,
        )
        return found

    async def our_verdict(self, document: bytes) -> bool:
        """What our public API says of a credential."""
        reply = await self.desk.post(
            "/api/verify", content=document, headers={**JSON, "content-type": "application/json"}
        )
        return reply.status_code == 200 and reply.json()["outcome"] == "valid"

    async def register_account(self) -> None:
        """An account of the learner's own at Keycloak, as if registered and verified."""
        first, _, last = (self.learner.name or "").partition(" ")
        async with Administration(self.world.settings) as administration:
            await administration.ensure_account(
                NewAccount(
                    email=self.email,
                    first_name=first,
                    last_name=last or first,
                    locale="fr",
                    password=self.password,
                )
            )

    async def wallet_shows_it(self) -> bool | None:
        page = await look(self.desk, "/me/wallet")
        return True if str(self.credential_id) in page.response.text else None

    async def candidate_with_prose_alone(self) -> UUID:
        """Somebody who writes better than anyone, and has proven nothing."""
        return await create_candidate(
            self.world.database,
            self.world.tenants["retail"],
            Candidate(
                name=Faker("en_US").name(),
                locale="en",
                headline="Award-winning expert in artificial intelligence and data protection",
                about=(
                    "Critical thinking, data protection, evaluating and managing data, information "
                    "and digital content: I have mastered every requirement of this post."
                ),
            ),
        )

    async def api(self, path: str) -> Any:
        """A JSON answer of the retailer's API, as the recruiter."""
        reply = await self.recruiter.get(f"/t/retail/api/{path}", headers=JSON)
        return reply.raise_for_status().json()

    async def ranked(self) -> list[dict[str, Any]]:
        """Everybody on the requisition's stages, in order."""
        path = f"requisitions/{self.requisition}/shortlist"
        first = await self.api(f"{path}?show=200")
        found = list(first["candidates"])
        for stage in first["stages"]:
            if stage["id"] != first["stage_id"]:
                found += (await self.api(f"{path}?stage={stage['id']}"))["candidates"]
        return found

    async def both_stand(self) -> list[dict[str, Any]] | None:
        """The ranking, once the learner's evidence has reached it."""
        ranked = await self.ranked()
        scores = {UUID(each["person_id"]): each["score"] for each in ranked}
        ready = scores.get(self.person_id, 0) > 0 and self.prose_id in scores
        return ranked if ready else None

    async def close(self) -> None:
        await self.desk.aclose()
        await self.recruiter.aclose()


def right_item(page: Seen, items: list[Any]) -> Any:
    """The item that a page shows, found by its French stem."""
    for item in items:
        if " ".join(item.stem.fr.split()) in page.words:
            return item
    raise NotSo(f"a known question is on {page.path}: {page.words[:200]}")


def right_choice(page: Seen, items: list[WrittenItem] | list[Any], name: str) -> str:
    """The value of the radio button beside the right option."""
    item = right_item(page, items)
    wanted = " ".join(item.options.fr[item.key].split())
    for label in page.tree.xpath(f"//label[.//input[@name='{name}']]"):
        if wanted in " ".join(label.text_content().split()):
            return str(label.xpath(".//input")[0].get("value"))
    raise NotSo(f"the right option is among the choices of {page.path}")
