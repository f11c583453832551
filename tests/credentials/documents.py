"""Documents and keys that the tests of this room are made of."""

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from passerelle.credentials import badge, did, multibase, proof

PUBLIC_URL = "http://127.0.0.1:8000"
ISSUED_AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


class Issuer:
    """An issuer with one key, that signs what it is given."""

    def __init__(self, public_url: str = PUBLIC_URL, slug: str = "region") -> None:
        self.key = Ed25519PrivateKey.generate()
        self.public_key = multibase.encode_public_key(self.key.public_key().public_bytes_raw())
        self.did = did.issuer_did(public_url, slug)
        self.method_id = did.method_id(self.did, self.public_key)

    def sign(self, credential: badge.Credential) -> badge.Credential:
        return proof.sign(credential, self.key, self.method_id, ISSUED_AT)


def achievement(name: str = "Maîtrise de l’IA, niveau 1") -> badge.Achievement:
    skills = ("Rédiger une consigne", "التحقق من المصادر")
    return badge.Achievement(
        id="urn:uuid:0b0a4c2e-6c4b-4d7a-9c3d-52d5a2f7c0de",
        type=("Achievement",),
        name=name,
        description="Se servir d’un assistant et vérifier ce qu’il répond.",
        criteria=badge.Criteria(narrative="Réussir l’examen.\nQuarante minutes."),
        achievement_type="Certification",
        in_language="fr",
        human_code="ai-fluency-1",
        alignment=[
            badge.Alignment(
                type=("Alignment",),
                target_name=skill,
                target_url=f"http://data.europa.eu/esco/skill/{number}",
                target_framework="ESCO",
            )
            for number, skill in enumerate(skills)
        ],
    )


def credential(issuer: Issuer, subject_name: str | None = "Amina El Idrissi") -> badge.Credential:
    return badge.compose(
        credential_id=f"{PUBLIC_URL}/verify/5f1c1f0e-8c1e-4b57-9a54-0d7b1f6a2c11",
        issuer=badge.Profile(id=issuer.did, type=("Profile",), name="Région de l’Oriental"),
        subject_id="urn:uuid:9d1f2a34-0b0c-4f64-8f55-3f6d1c2e7a90",
        subject_name=subject_name,
        achievement=achievement(),
        valid_from=ISSUED_AT,
    )
