"""An explanation in words and as a drawing: names of skills, and what would close a gap."""

from uuid import UUID

from msgspec import Struct

from passerelle.hiring import store
from passerelle.hiring.model import Requirement
from passerelle.hiring.ports import Explanation
from passerelle.kernel.database import TenantRead
from passerelle.kernel.language import N_, Localised
from passerelle.skills import store as skills
from passerelle.skills.model import Evidence
from passerelle.web import bridge
from passerelle.web.bridge import Bridge, Drawing, Proof, Span
from passerelle.web.formats import format_month, format_number
from passerelle.web.language import current, translate

EVIDENCE_KINDS = {
    "exam": N_("exam"),
    "practical": N_("practical task"),
    "credential": N_("credential"),
    "assessor": N_("assessor"),
}


#: A link that adds less than this share of the score is too thin to be read as a span.
SMALLEST_SHARE_DRAWN = 0.03


class ExplanationShown(Struct, frozen=True):
    """What the page shows: the spans of the drawing and its rest add up to the score.

    `besides` is what the person has proven that carries nothing here.
    """

    score: float
    model_version: str
    drawing: Drawing
    besides: list[Proof]


def spans_and_rest(explanation: Explanation) -> tuple[list[Span], float]:
    """The links that are wide enough to draw, and what all others add or take away together.

    What reaches a missing requirement is drawn by no one: a related skill is no proof of it. What
    carries a requirement most is always drawn, however thin: it is not missing.
    """
    least = SMALLEST_SHARE_DRAWN * max(explanation.score, 0.0)
    carries_most: dict[UUID, float] = {}
    for one in explanation.contributions:
        held = carries_most.get(one.requirement_skill_id, 0.0)
        carries_most[one.requirement_skill_id] = max(held, one.amount)
    spans: list[Span] = []
    rest = 0.0
    for one in explanation.contributions:
        missing = one.requirement_skill_id in explanation.missing
        thin = one.amount < min(least, carries_most[one.requirement_skill_id])
        if missing or one.amount <= 0 or thin:
            rest += one.amount
        else:
            spans.append(
                Span(str(one.evidence_skill_id), str(one.requirement_skill_id), one.amount)
            )
    return spans, rest


def best_of_each_skill(evidence: list[Evidence]) -> dict[UUID, Evidence]:
    """One row a skill: of the highest level, the latest."""
    best: dict[UUID, Evidence] = {}
    for one in evidence:
        kept = best.get(one.skill_id)
        if kept is None or (one.level, one.proven_at) > (kept.level, kept.proven_at):
            best[one.skill_id] = one
    return best


async def in_words(
    read: TenantRead, explanation: Explanation, requirements: list[Requirement], person_id: UUID
) -> ExplanationShown:
    """The explanation in the current language; what is carried most stands first."""
    evidence = best_of_each_skill(await skills.shared_evidence(read, [person_id]))
    spans, rest = spans_and_rest(explanation)
    carrying = {UUID(span.proof) for span in spans}
    named = {*evidence, *carrying, *(one.skill_id for one in requirements)}
    labels = await skills.labels(read, list(named), current().locale)
    closers = await store.achievements_proving(read, explanation.missing)
    asked = _requirements(spans, requirements, labels, closers)
    proofs = [
        _proof(skill_id, labels.get(skill_id, ""), evidence.get(skill_id))
        for skill_id in _facing(spans, {*evidence, *carrying}, asked)
    ]
    drawing = bridge.draw(
        Bridge(
            proofs=[one for one in proofs if UUID(one.key) in carrying],
            requirements=asked,
            spans=spans,
            rest=rest,
        ),
        mirrored=current().direction == "rtl",
    )
    besides = [one for one in proofs if UUID(one.key) not in carrying]
    return ExplanationShown(explanation.score, explanation.model_version, drawing, besides)


def _facing(spans: list[Span], proven: set[UUID], asked: list[bridge.Requirement]) -> list[UUID]:
    """Proven skills in the order of what they carry on the other bank, so that few spans cross."""
    places = {one.key: place for place, one in enumerate(asked)}
    amounts: dict[str, float] = {}
    moments: dict[str, float] = {}
    for span in spans:
        amounts[span.proof] = amounts.get(span.proof, 0.0) + span.amount
        place = places.get(span.requirement, len(asked))
        moments[span.proof] = moments.get(span.proof, 0.0) + span.amount * place

    def middle(skill_id: UUID) -> float:
        amount = amounts.get(str(skill_id), 0.0)
        return moments[str(skill_id)] / amount if amount > 0 else float(len(asked))

    return sorted(proven, key=lambda one: (middle(one), one))


def _proof(skill_id: UUID, label: str, evidence: Evidence | None) -> Proof:
    if evidence is None:
        return Proof(str(skill_id), label)
    note = translate(
        N_("%(kind)s, level %(level)s · %(month)s"),
        kind=translate(EVIDENCE_KINDS[evidence.kind]),
        level=format_number(evidence.level),
        month=format_month(evidence.proven_at),
    )
    return Proof(str(skill_id), label, note)


def _requirements(
    spans: list[Span],
    requirements: list[Requirement],
    labels: dict[UUID, str],
    closers: dict[UUID, list[Localised]],
) -> list[bridge.Requirement]:
    """First those that are carried most; last those that nothing carries."""
    adds: dict[str, float] = {}
    for span in spans:
        adds[span.requirement] = adds.get(span.requirement, 0.0) + span.amount
    shown = []
    for asked in sorted(requirements, key=lambda one: -adds.get(str(one.skill_id), 0.0)):
        level = translate(N_("level %(level)s"), level=format_number(asked.level))
        desired = translate(N_("desired"))
        note = f"{level} · {desired}" if asked.desired else level
        closing = closers.get(asked.skill_id)
        shown.append(
            bridge.Requirement(
                str(asked.skill_id),
                labels.get(asked.skill_id, ""),
                note,
                closing[0].in_(current().locale) if closing else None,
            )
        )
    return shown
