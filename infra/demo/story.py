"""The story: from an LMS to a certificate, and from the certificate to the top of a shortlist.

Each step asserts what it claims and returns what it proved. The demo plays it against the running
servers, and `tests/stories` plays the same one. Every play uses new persons.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from infra.demo import lms_browser, walls
from infra.demo.browsing import look
from infra.demo.deeds import JSON, LINK, STUDIED, Deeds, claim, flipped, until
from infra.demo.sign_in import browser, link_account, sign_in
from infra.demo.verifier import verdict
from infra.seed.organisations import RETAIL


class Step(msgspec.Struct, frozen=True):
    """One step as it went: what it proved, and how long it took."""

    number: int
    title: str
    proofs: list[str]
    seconds: float


class Story(Deeds):
    """One play. Its steps run in order, each on what the one before left."""

    async def play(self, told: Callable[[Step], None]) -> None:
        """All steps in order; `told` hears of each as it ends. Raises NotSo at the first claim
        that does not hold."""
        steps: list[tuple[str, Callable[[], Awaitable[list[str]]]]] = [
            ("A public servant comes from the LMS", self.launch),
            ("Study, exam, grade", self.learn),
            ("The credential", self.credential),
            ("The wallet is the person's own", self.share),
            ("The shortlist", self.shortlist),
            ("A decision, with name and reason", self.decide),
            ("The wall", self.wall),
        ]
        try:
            for number, (title, step) in enumerate(steps, 1):
                begun = time.monotonic()
                proofs = await step()
                told(Step(number, title, proofs, time.monotonic() - begun))
        finally:
            await self.desk.aclose()
            await self.recruiter.aclose()

    async def launch(self) -> list[str]:
        """1. Over LTI 1.3, from somebody else's implementation of the platform, in French."""
        lms = self.world.lms
        await asyncio.to_thread(lms.add_user, self.learner)
        address = await lms_browser.launch(
            self.desk, lms.url, user=self.learner.id, link=LINK, client=self.world.lms_client_id
        )
        page = await look(self.desk, address)
        self.person_id = await self.learners_person()
        return [
            claim(page.path.startswith("/t/region/learn"), "the launch opens the learner's page"),
            claim(page.language() == "fr", "in the launch's language, French"),
            claim("IA" in page.words, f"on the path the course names: “{page.title}”"),
        ]

    async def learn(self) -> list[str]:
        """2. A few study items, the exam with autosaved answers, the grade written once."""
        studied = await self.study()
        attempt, saved = await self.sit()
        result = await (await look(self.desk, f"{attempt}/check")).submit("/finish")
        passed = claim("result" in result.path and await self.passed(), "the exam is passed")
        cell = await until(self.grade, "the grade in the LMS's grade book")
        await until(self.grade_is_settled, "the grade's delivery marked done")
        cell = await self.grade() or cell
        return [
            claim(studied == STUDIED, f"{studied} study questions answered, each then explained"),
            f"{saved} answers autosaved, one by one, each acknowledged with its time",
            passed,
            claim(
                cell.written == 1 and cell.score_given > 0,
                f"the grade book holds {cell.score_given:g} of {cell.score_maximum:g}, "
                f"written {cell.written} time",
            ),
        ]

    async def credential(self) -> list[str]:
        """3. Signed by the administration's own key; two verifiers agree, and refuse a flip."""
        self.credential_id = await until(self.issued, "the credential")
        reply = await self.desk.get(f"/credentials/{self.credential_id}.json")
        document = reply.raise_for_status().content
        page = await look(self.desk, f"/verify/{self.credential_id}")
        changed = flipped(document)
        ours = await self.our_verdict(document), await self.our_verdict(changed)
        theirs = await verdict(document), await verdict(changed)
        issuer = msgspec.json.decode(document)["issuer"]["id"]
        return [
            claim(issuer.startswith("did:web:") and ":region" in issuer, f"issued by {issuer}"),
            claim(page.response.status_code == 200, "the public page shows it, without an account"),
            claim(ours[0] and theirs[0].valid, "our check and Digital Bazaar's say: valid"),
            claim(not ours[1] and not theirs[1].valid, "after one flipped byte, both refuse"),
        ]

    async def share(self) -> list[str]:
        """4. A Keycloak account linked from the launch; the wallet shared until a date."""
        await self.register_account()
        await link_account(self.desk, "region", self.email, self.password)
        home = await look(self.desk, "/me")
        wallet = await until(self.wallet_shows_it, "the credential in the wallet")
        until_day = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
        form = await look(self.desk, "/me/sharing/new")
        check = await form.submit("/me/sharing/check", organisation="retail", until=until_day)
        shared = await check.submit("/me/sharing")
        return [
            claim(home.path == "/me", "one account, linked by the learner's own consent"),
            claim(wallet, "the credential is in the wallet"),
            claim("Atlas" in shared.words, f"shared with the retailer until {until_day}"),
        ]

    async def shortlist(self) -> list[str]:
        """5. A recruiter signs in and sees who is proven, and why; prose moves nothing."""
        account = RETAIL.member("recruiter")
        await sign_in(
            self.recruiter, "/t/retail/sign-in?lang=en", account.email, self.world.password
        )
        listed = await self.api("requisitions")
        self.requisition = listed["requisitions"][0]["id"]
        self.prose_id = await self.candidate_with_prose_alone()
        ranked = await until(self.both_stand, "both candidates on the shortlist")
        places = {UUID(each["person_id"]): place for place, each in enumerate(ranked, 1)}
        scores = {UUID(each["person_id"]): each["score"] for each in ranked}
        why = await self.api(f"requisitions/{self.requisition}/candidates/{self.person_id}")
        added = sum(each["amount"] for each in why["contributions"])
        page = await look(self.recruiter, f"/t/retail/hiring/{self.requisition}")
        return [
            claim(page.response.status_code == 200, f"{len(ranked)} people, ranked by the model"),
            claim(
                scores[self.person_id] == max(scores.values()),
                f"nobody above the learner, who has {scores[self.person_id]:.2f} on proven skills",
            ),
            claim(
                abs(added - why["score"]) < 1e-6,
                f"{len(why['contributions'])} contributions, skill by skill, add up to the score",
            ),
            claim(
                places[self.prose_id] > places[self.person_id] and scores[self.prose_id] == 0,
                f"better prose without evidence stands at {places[self.prose_id]}, with 0",
            ),
        ]

    async def decide(self) -> list[str]:
        """6. The recruiter moves the learner on; the audit record has who, and why."""
        reason = "Four of the required skills are proven by exam; we meet to hear about the work."
        here = f"/t/retail/hiring/{self.requisition}/candidates/{self.person_id}/decide"
        await (await look(self.recruiter, here)).submit("/decide", reason=reason)
        admin = browser(self.world.settings.public_url)
        account = RETAIL.member("tenant_admin")
        await sign_in(admin, "/t/retail/sign-in?lang=en", account.email, self.world.password)
        reply = await admin.get("/t/retail/api/audit?name=application.moved", headers=JSON)
        entry = reply.raise_for_status().json()["entries"][0]
        page = await look(admin, "/t/retail/audit")
        await admin.aclose()
        name = RETAIL.member("recruiter").display_name
        return [
            claim(entry["reason"] == reason, "the decision is on record with its reason"),
            claim(entry["actor_name"] == name, f"and with the name of who decided: {name}"),
            claim(UUID(entry["person_id"]) == self.person_id, "about this very candidate"),
            claim(reason in page.words, "the administrator reads it on the audit page"),
        ]

    async def wall(self) -> list[str]:
        """7. A hundred attempts to read what was not shared, then the sharing withdrawn."""
        refused = await walls.attempt(self)
        home = await look(self.desk, "/me")
        ask = await home.follow("/withdraw")
        await ask.submit("/withdraw")
        left = await self.ranked()
        gone = self.person_id not in {UUID(each["person_id"]) for each in left}
        reply = await self.recruiter.get(
            f"/t/retail/api/requisitions/{self.requisition}/candidates/{self.person_id}",
            headers=JSON,
        )
        return [
            claim(refused == 100, f"{refused} attempts to read what was not shared: all refused"),
            claim(gone and reply.status_code == 404, "withdrawn: gone at the next query"),
        ]
