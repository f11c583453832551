"""Members by the thousand, copied into the database past the walls."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from passerelle.kernel.identifiers import new_id

FIRST_NAMES = """Amina Bilal Chaima Driss Élodie Fatima-Zahra Ghali Hanane Ismaïl Jamila Khadija
Lotfi Mariam Nabil Omar Patricia Qassim Rachida Salma Tariq Yasmine Zineb فاطمة محمد خديجة"""
LAST_NAMES = """Alaoui Benali Benaïssa Chraibi Dupont El-Amrani Fassi Guerraoui Haddad Idrissi Jabri
Kettani Lahlou Mansouri Naciri Ouazzani Rahmani Saïdi Tazi Zerouali العلوي بناني"""
FIRST, LAST = FIRST_NAMES.split(), LAST_NAMES.split()


async def crowd(
    superuser: asyncpg.Connection, tenant_id: UUID, people: int, units: list[UUID], *, seed: int = 7
) -> list[UUID]:
    """So many members, learners all, one in fifty a recruiter, one in a hundred suspended."""
    luck = random.Random(seed)
    begun = datetime(2025, 1, 6, 8, tzinfo=UTC)
    members, roles, ids = [], [], []
    for number in range(people):
        person_id = new_id()
        ids.append(person_id)
        name = f"{luck.choice(FIRST)} {luck.choice(LAST)}"
        members.append(
            (
                tenant_id,
                person_id,
                name,
                f"person{number}@crowd.example",
                luck.choice(("fr", "fr", "ar", "en")),
                "suspended" if number % 100 == 7 else "active",
                luck.choice(units) if units else None,
                begun + timedelta(minutes=17 * number),
            )
        )
        roles.append((tenant_id, new_id(), person_id, "learner", "An LMS"))
        if number % 50 == 3:
            roles.append((tenant_id, new_id(), person_id, "recruiter", "Adil Admin"))
    await superuser.copy_records_to_table(
        "member",
        records=members,
        columns=(
            "tenant_id",
            "person_id",
            "display_name",
            "email",
            "locale",
            "status",
            "unit_id",
            "created_at",
        ),
    )
    await superuser.copy_records_to_table(
        "member_role",
        records=roles,
        columns=("tenant_id", "id", "person_id", "role", "granted_by"),
    )
    await superuser.execute("analyze member, member_role, member_word")
    return ids
