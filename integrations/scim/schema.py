"""What is served over SCIM 2.0 (RFC 7643): users, groups, the enterprise extension, and limits.

Only what an organisation needs to know of its members is taken: an attribute that isn't here is
ignored, as RFC 7644 3.3 lets a service provider do, and a password is never kept.
"""

from typing import Annotated, Any, Final

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Extension,
    Filter,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    Returned,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models.resources.resource import AnyExtension

#: A page holds at most this many resources, a bulk request this many operations and bytes.
PAGE_LIMIT: Final = 200
BULK_OPERATIONS: Final = 200
BODY_LIMIT_BYTES: Final = 1_000_000
#: How deep lists and objects of a body may lie in one another; RFC 7644's own need eight.
DEPTH_LIMIT: Final = 16
#: A userName, a displayName of a group, an externalId; any other text of a resource.
NAME_LIMIT_CHARACTERS: Final = 254
TEXT_LIMIT_CHARACTERS: Final = 1_000
MEMBERS_LIMIT: Final = 20_000

CORE_USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class Name(ComplexAttribute):
    formatted: str | None = None
    family_name: str | None = None
    given_name: str | None = None
    middle_name: str | None = None
    honorific_prefix: str | None = None
    honorific_suffix: str | None = None


class Contact(ComplexAttribute):
    """An e-mail address or a telephone number."""

    value: str | None = None
    display: str | None = None
    type: str | None = None
    primary: bool | None = None


class GroupOfUser(ComplexAttribute):
    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, Mutability.read_only] = None
    type: Annotated[str | None, Mutability.read_only] = None


class User(Resource[AnyExtension]):
    __schema__ = URN(CORE_USER)

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: str | None = None
    nick_name: str | None = None
    title: str | None = None
    user_type: str | None = None
    preferred_language: str | None = None
    locale: str | None = None
    timezone: str | None = None
    active: bool | None = None
    password: Annotated[str | None, Mutability.write_only, Returned.never, CaseExact.true] = None
    emails: list[Contact] | None = None
    phone_numbers: list[Contact] | None = None
    groups: Annotated[list[GroupOfUser] | None, Mutability.read_only] = None


class Manager(ComplexAttribute):
    value: Annotated[str | None, CaseExact.true] = None
    ref: Annotated[
        Reference["User"] | None,  # type: ignore[type-arg]
        CaseExact.true,
    ] = Field(None, serialization_alias="$ref", validation_alias="$ref")
    display_name: Annotated[str | None, Mutability.read_only] = None


class EnterpriseUser(Extension):
    __schema__ = URN(ENTERPRISE)

    employee_number: str | None = None
    cost_center: str | None = None
    organization: str | None = None
    division: str | None = None
    department: str | None = None
    manager: Manager | None = None


class GroupMember(ComplexAttribute):
    """A user: groups hold no groups here."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[
        Reference["User"] | None,  # type: ignore[type-arg]
        Mutability.immutable,
    ] = Field(None, serialization_alias="$ref", validation_alias="$ref")
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    display: Annotated[str | None, Mutability.immutable] = None


class Group(Resource[Any]):
    __schema__ = URN(CORE_GROUP)

    display_name: Annotated[str | None, Required.true] = None
    members: list[GroupMember] | None = None


CONFIG: Final = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=True, max_operations=BULK_OPERATIONS, max_payload_size=BODY_LIMIT_BYTES),
    filter=Filter(supported=True, max_results=PAGE_LIMIT),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="A token that the organisation's administrator made for this client.",
            primary=True,
        )
    ],
)

#: Entra ID adds an entry whose path filter matches nothing, and removes members by `value`.
POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)

PROVIDER: Final = ScimProvider(
    models=[User, Group, EnterpriseUser],
    resource_types=[
        ResourceType.from_resource(User[EnterpriseUser]),
        ResourceType.from_resource(Group),
    ],
    config=CONFIG,
    policy=POLICY,
)

USER: Final[type[Resource[Any]]] = User[EnterpriseUser]
