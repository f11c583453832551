"""What the kernel's and the organisations' own tables hold of a person."""

from passerelle.kernel.language import N_, Localised
from passerelle.kernel.personal_data import PersonalTable, Retention, not_personal, register

ON_RECORD = N_(
    "The organisation must be able to prove what was done. What happened stays, in its order; the "
    "words that name the person go."
)

INVITED = Localised(
    en="The invitation that you were sent",
    fr="L’invitation qui vous a été envoyée",
    ar="الدعوة التي أُرسلت إليك",
)

register(
    PersonalTable(
        table="member",
        owner="tenant",
        purpose=Localised(
            en="That you belong to the organisation, with name and address",
            fr="Votre appartenance à l’organisation, avec nom et adresse",
            ar="انتماؤك إلى المؤسسة، مع اسمك وعنوانك",
        ),
        columns=("display_name", "email", "locale", "status", "folded_name", "folded_email"),
        withheld=("folded_name", "folded_email"),
    ),
    PersonalTable(
        table="member_word",
        owner="tenant",
        purpose=Localised(
            en="The words by which you are found among the members",
            fr="Les mots par lesquels on vous trouve parmi les membres",
            ar="الكلمات التي يُعثر بها عليك بين الأعضاء",
        ),
        columns=("word",),
    ),
    PersonalTable(
        table="member_filter",
        owner="tenant",
        purpose=Localised(
            en="The searches that you keep",
            fr="Les recherches que vous avez enregistrées",
            ar="عمليات البحث التي حفظتها",
        ),
        columns=("name", "query"),
    ),
    PersonalTable(
        table="invitation",
        owner="tenant",
        person_column="accepted_by",
        purpose=INVITED,
        columns=("email", "name", "locale", "roles", "invited_at", "accepted_at"),
        retention=Retention(column="expires_at", days=180),
        withheld=("folded_email", "invited_by"),
    ),
    PersonalTable(
        table="invitation",
        owner="tenant",
        person_column="folded_email",
        by_email=True,
        purpose=INVITED,
        columns=("email", "name", "locale", "roles", "invited_at"),
        withheld=("folded_email", "invited_by"),
    ),
    PersonalTable(
        table="invitation",
        owner="tenant",
        person_column="invited_by",
        by_name=True,
        purpose=Localised(en="Whom you invited", fr="Qui vous avez invité", ar="من دعوتهم أنت"),
        columns=("invited_at",),
        erasure="anonymise",
        blanks={"invited_by": "''"},
        withheld=("email", "folded_email", "name", "accepted_by"),
    ),
    PersonalTable(
        table="member_job",
        owner="tenant",
        person_column="created_by",
        purpose=Localised(
            en="The lists of members that you brought or worked on",
            fr="Les listes de membres que vous avez importées ou traitées",
            ar="قوائم الأعضاء التي جلبتها أو عملت عليها",
        ),
        columns=("actor", "title", "created_at"),
        retention=Retention(column="created_at", days=90, least_days=7, most_days=730),
    ),
    PersonalTable(
        table="member_job_row",
        owner="tenant",
        person_column="content",
        by_email=True,
        expression="lower(content ->> 'email')",
        purpose=Localised(
            en="Your line in a list of members that was brought",
            fr="Votre ligne dans une liste de membres importée",
            ar="سطرك في قائمة أعضاء جُلبت",
        ),
        columns=("content", "outcome", "problem"),
    ),
    PersonalTable(
        table="tenant_host",
        owner="tenant",
        person_column="claimed_by",
        by_name=True,
        purpose=Localised(
            en="Which host names of the organisation you claimed",
            fr="Les noms d’hôte de l’organisation que vous avez revendiqués",
            ar="أسماء نطاق المؤسسة التي سجّلتها",
        ),
        columns=("host",),
        ground="duty",
        erasure="anonymise",
        blanks={"claimed_by": "''"},
    ),
    PersonalTable(
        table="member_role",
        owner="tenant",
        purpose=Localised(
            en="What you may do in the organisation",
            fr="Ce que vous pouvez faire dans l’organisation",
            ar="ما يمكنك فعله داخل المؤسسة",
        ),
        columns=("role", "granted_at"),
        withheld=("granted_by",),
    ),
    PersonalTable(
        table="member_role",
        owner="tenant",
        person_column="granted_by",
        by_name=True,
        purpose=Localised(
            en="Which roles you gave to others",
            fr="Les rôles que vous avez donnés à d’autres",
            ar="الأدوار التي منحتها لغيرك",
        ),
        columns=("role", "granted_at"),
        ground="duty",
        erasure="anonymise",
        blanks={"granted_by": "''"},
        withheld=("person_id",),
    ),
    PersonalTable(
        table="tenant_event",
        owner="tenant",
        purpose=Localised(
            en="The record of what happened about you",
            fr="Le registre de ce qui s’est passé à votre sujet",
            ar="سجلّ ما حدث بشأنك",
        ),
        columns=("payload", "before", "reason", "subject"),
        ground="duty",
        erasure="redact",
        kept_because=ON_RECORD,
        withheld=("actor_person_id", "source_address", "request_id", "dispatched"),
    ),
    PersonalTable(
        table="tenant_event",
        owner="tenant",
        person_column="actor_person_id",
        purpose=Localised(
            en="The record of what you did, when and from where",
            fr="Le registre de ce que vous avez fait, quand et d’où",
            ar="سجلّ ما فعلته ومتى ومن أين",
        ),
        columns=("actor_name", "source_address", "occurred_at"),
        ground="duty",
        erasure="redact",
        kept_because=ON_RECORD,
        withheld=("payload", "before", "reason", "person_id", "subject", "dispatched"),
    ),
    PersonalTable(
        table="tenant_setting",
        owner="tenant",
        person_column="changed_by",
        by_name=True,
        purpose=Localised(
            en="Which settings of the organisation you changed last",
            fr="Les réglages de l’organisation que vous avez changés en dernier",
            ar="إعدادات المؤسسة التي كنت آخر من غيّرها",
        ),
        columns=("name", "changed_at"),
        ground="duty",
        erasure="anonymise",
        blanks={"changed_by": "''"},
        kept_because=N_("The setting itself is the organisation's, and stays."),
        withheld=("value",),
    ),
    PersonalTable(
        table="tenant_setting_test",
        owner="tenant",
        person_column="ran_by",
        by_name=True,
        purpose=Localised(
            en="Which settings of the organisation you tested last",
            fr="Les réglages de l’organisation que vous avez testés en dernier",
            ar="إعدادات المؤسسة التي كنت آخر من اختبرها",
        ),
        columns=("name", "ran_at"),
        ground="duty",
        erasure="anonymise",
        blanks={"ran_by": "''"},
        kept_because=N_("The setting itself is the organisation's, and stays."),
    ),
    PersonalTable(
        table="person_event",
        owner="person",
        purpose=Localised(
            en="The record of what you did in your own space",
            fr="Le registre de ce que vous avez fait dans votre espace",
            ar="سجلّ ما فعلته في مساحتك الخاصة",
        ),
        columns=("name", "payload", "subject", "actor_name", "occurred_at", "source_address"),
        withheld=("dispatched", "actor_person_id"),
    ),
    PersonalTable(
        table="person_delivery",
        owner="person",
        purpose=Localised(
            en="What the service still had to do after something you did",
            fr="Ce que le service avait encore à faire après l’une de vos actions",
            ar="ما كان على الخدمة إنجازه بعد أمر قمت به",
        ),
        columns=("listener", "done_at", "last_error"),
    ),
)
not_personal(
    {
        "attempt.ended_by": "whether the person or the clock ended it",
        "tenant_event.name": "what kind of event it is",
        "notice.mail": "when a notice goes by mail",
        "person_notice.mail": "when a notice goes by mail",
        "tenant_object.name": "a path in the object store; the room that keeps the object names it",
        "tenant_setting.name": "which setting it is",
        "tenant_setting_test.name": "which setting it is",
    }
)
