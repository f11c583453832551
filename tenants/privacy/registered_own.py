"""What this room's own tables hold of a person."""

from passerelle.kernel.language import N_, Localised
from passerelle.kernel.personal_data import PersonalTable, not_personal, register

ASKED = Localised(
    en="Which erasures and exports you asked for as an officer",
    fr="Les effacements et exports que vous avez demandés en tant que responsable",
    ar="عمليات المحو والتصدير التي طلبتها بصفتك مسؤولا",
)

register(
    PersonalTable(
        table="consent",
        owner="person",
        purpose=Localised(
            en="What you agreed to, in which words, and when you took it back",
            fr="Ce que vous avez accepté, en quels termes, et quand vous êtes revenu dessus",
            ar="ما وافقت عليه وبأي صيغة، ومتى تراجعت عنه",
        ),
        columns=("tenant_id", "purpose", "text_version", "given_at", "until", "withdrawn_at"),
        ground="duty",
        withheld=("given_by_event", "withdrawn_by_event"),
    ),
    PersonalTable(
        table="person_export",
        owner="person",
        purpose=Localised(
            en="Which copies of your data you asked for",
            fr="Les copies de vos données que vous avez demandées",
            ar="نسخ بياناتك التي طلبتها",
        ),
        columns=("requested_at", "state", "ready_at", "expires_at", "fetched_at"),
        ground="duty",
        withheld=("session_digest", "object_name"),
    ),
    PersonalTable(
        table="person_erasure",
        owner="person",
        purpose=Localised(
            en="That you asked to be erased",
            fr="Votre demande d’effacement",
            ar="طلبك محو بياناتك",
        ),
        columns=("requested_at", "due_at", "cancelled_at"),
        ground="duty",
    ),
    PersonalTable(
        table="member_erasure",
        owner="tenant",
        purpose=Localised(
            en="That the organisation is asked to erase you",
            fr="La demande de vous effacer, adressée à l’organisation",
            ar="أن المؤسسة طُلب منها محوك",
        ),
        columns=("reason", "requested_at", "due_at", "cancelled_at"),
        ground="duty",
        erasure="anonymise",
        blanks={"person_id": "null", "reason": "''"},
        kept_because=N_(
            "A receipt without a name stays: it says what was erased, and keeps an old copy of "
            "the organisation from bringing the person back."
        ),
        withheld=("person_digest", "requested_by", "requested_by_name"),
    ),
    PersonalTable(
        table="member_erasure",
        owner="tenant",
        person_column="requested_by",
        purpose=ASKED,
        columns=("requested_by_name", "reason", "requested_at"),
        ground="duty",
        erasure="anonymise",
        blanks={"requested_by": "null", "requested_by_name": "''"},
        withheld=("person_id", "person_digest", "reason", "parts"),
    ),
    PersonalTable(
        table="tenant_export",
        owner="tenant",
        person_column="requested_by",
        purpose=ASKED,
        columns=("requested_by_name", "requested_at"),
        ground="duty",
        erasure="anonymise",
        blanks={"requested_by": "null", "requested_by_name": "''"},
        withheld=("sealed_passphrase", "object_name"),
    ),
)
not_personal(
    {
        "member_erasure.asked_by": "whether the person, an officer or an import asked",
        "tenant_export.object_name": "a path in the object store",
        "person_export.object_name": "a path in the object store",
        "consent.given_by_event": "an event's identifier",
        "consent.withdrawn_by_event": "an event's identifier",
    }
)
