"""What happens to objects, and whose data their rows are."""

from typing import Final
from uuid import UUID

import msgspec

from passerelle.kernel import personal_data
from passerelle.kernel.language import Localised
from passerelle.kernel.personal_data import PersonalTable

REMOVED: Final = "object.removed"


class ObjectRemoved(msgspec.Struct, frozen=True):
    """`object.removed`: no row names these bytes any more."""

    object_id: UUID
    name: str


personal_data.register(
    PersonalTable(
        table="person_object",
        owner="person",
        columns=("name", "content_type", "size_bytes", "written_by"),
        purpose=Localised(
            en="Files of yours, such as an export you asked for",
            fr="Vos fichiers, par exemple un export que vous avez demandé",
            ar="ملفاتك، مثل نسخة من بياناتك طلبتها",
        ),
    ),
    PersonalTable(
        table="tenant_object",
        owner="tenant",
        person_column="written_by",
        by_name=True,
        purpose=Localised(
            en="Who put a file into the organisation's store",
            fr="Qui a déposé un fichier dans l’espace de l’organisation",
            ar="من أضاف ملفًا إلى مخزن المؤسسة",
        ),
        erasure="anonymise",
        blanks={"written_by": "''"},
    ),
)
