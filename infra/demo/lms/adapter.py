"""The package's abstract classes, given our storage: one platform for each tool."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lti1p3platform.exceptions import LineItemNotFoundException, LtiException
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration
from lti1p3platform.request import Request as PackageRequest
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import AssignmentsGradesService

from infra.demo.lms.book import Book, Link, Outcome, Received, Tool, User
from infra.servers.process import write_private

KEY_BITS = 2048
TOKEN_LIFETIME_S = 60
LINE_ITEM_QUERY = "?type_id=1"


class Keys:
    """The platform's own key pair, the same after a new start."""

    def __init__(self, directory: Path) -> None:
        path = directory / "key.pem"
        if not path.exists():
            private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
            pem = private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            write_private(path, pem)
        self.private_pem = path.read_text()
        loaded = serialization.load_pem_private_key(self.private_pem.encode(), None)
        self.public_pem = (
            loaded.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )


class Platform(LTI1P3PlatformConfAbstract):  # type: ignore[misc]
    """The package's configuration for one tool."""

    def __init__(self, issuer: str, keys: Keys, tool: Tool, spent: set[str]) -> None:
        self.issuer, self.keys, self.tool, self._spent = issuer, keys, tool, spent
        super().__init__()

    def init_platform_config(self, **kwargs: Any) -> None:
        tool = self.tool
        made = Registration().set_iss(self.issuer).set_client_id(tool.client_id)
        made.set_deployment_id(tool.deployment_id).set_launch_url(tool.launch_url)
        made.set_oidc_login_url(tool.login_url)
        made.set_platform_public_key(self.keys.public_pem)
        made.set_platform_private_key(self.keys.private_pem)
        if tool.key_set is not None:
            made.set_tool_key_set(tool.key_set)
        if tool.jwks_url is not None:
            made.set_tool_key_set_url(tool.jwks_url)
        self._registration = made

    def get_registration_by_params(self, **kwargs: Any) -> Registration:
        return self._registration

    @property
    def token_url(self) -> str:
        return f"{self.issuer}/token"

    def access_token(self, form: dict[str, Any]) -> dict[str, Any]:
        """The package's token, after the checks of the assertion that it leaves out."""
        claims = self.tool_validate_and_decode(form.get("client_assertion", ""))
        if claims.get("iss") != self.tool.client_id or claims.get("sub") != self.tool.client_id:
            raise LtiException("iss and sub of the assertion must be the client id")
        if claims.get("aud") not in (self.token_url, [self.token_url]):
            raise LtiException("the assertion is meant for another address")
        if "exp" not in claims or claims["exp"] > time.time() + 3600:
            raise LtiException("the assertion does not expire soon")
        if not claims.get("jti") or claims["jti"] in self._spent:
            raise LtiException("the assertion was used before")
        self._spent.add(claims["jti"])
        answer: dict[str, Any] = self.get_access_token(form)
        return answer


class Carried(PackageRequest):  # type: ignore[misc]
    """One HTTP request as the package reads it."""

    def build_metadata(self, request: dict[str, Any]) -> dict[str, Any]:
        return request


class Login(OIDCLoginAbstract):  # type: ignore[misc]
    """Begins a launch: the package makes the address of the tool's login."""

    def set_lti_message_hint(self, **kwargs: Any) -> None:
        self._lti_message_hint = kwargs["link_id"]

    def get_redirect(self, url: str) -> str:
        return url


class Launch(LTIAdvantageMessageLaunchAbstract):  # type: ignore[misc]
    """Answers the tool's authorization request: the package makes and signs the id_token."""

    def describe(self, issuer: str, user: User, link: Link) -> None:
        """Fills in who, where and what."""
        self.set_user_data(user.id, user.roles, user.name, user.email)
        self.set_resource_link_claim(link.id, title=link.title)
        self.set_launch_context_claim(
            link.context_id,
            ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"],
            context_title=link.context_title,
        )
        self.set_custom_parameters_claim(dict(link.custom))
        self.set_launch_presentation_claim("iframe", f"{issuer}/course/{link.context_id}")
        presentation = "https://purl.imsglobal.org/spec/lti/claim/launch_presentation"
        self.lti_claim_launch_presentation[presentation]["locale"] = user.locale or "en"
        self.set_ags(
            line_items_address(issuer, link.context_id),
            line_item_address(issuer, link.id),
            allow_creating_lineitems=False,
        )
        self.set_id_token_expiration(TOKEN_LIFETIME_S)

    def render_launch_form(self, launch_data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return launch_data


class Grades(AssignmentsGradesService):  # type: ignore[misc]
    """AGS over the grade book: the package checks tokens, methods and media types."""

    def __init__(self, request: Carried, platform: Platform, book: Book, link: Link) -> None:
        self._book, self._link, self._issuer = book, link, platform.issuer
        self.outcome: Outcome | None = None
        super().__init__(
            request,
            platform,
            line_items_address(platform.issuer, link.context_id),
            line_item_address(platform.issuer, link.id),
            allow_creating_lineitems=False,
        )

    def find_lineitems(self, **kwargs: Any) -> dict[str, Any]:
        wanted = kwargs.get("resource_link_id", self._link.id)
        items = [
            self.find_lineitem(link.id)
            for link in self._book.content.links.values()
            if link.id == wanted and link.context_id == self._link.context_id
        ]
        return {"content": items, "has_next": False, "next": None}

    def find_lineitem(self, line_item_id: str) -> dict[str, Any]:
        link = self._book.content.links.get(line_item_id)
        if link is None:
            raise LineItemNotFoundException()
        return {
            "id": line_item_address(self._issuer, link.id),
            "label": link.title,
            "scoreMaximum": link.score_maximum,
            "resourceLinkId": link.id,
        }

    def create_lineitem(self, creation_data: dict[str, Any]) -> dict[str, Any]:
        raise LtiException("this LMS makes its columns itself")

    def update_lineitem(self, update_data: dict[str, Any]) -> dict[str, Any]:
        raise LtiException("this LMS makes its columns itself")

    def delete_lineitem(self, line_item_id: str) -> None:
        raise LtiException("this LMS makes its columns itself")

    def update_score(self, line_item_id: str, score: dict[str, Any]) -> UpdateScoreStatus:
        received = Received(
            link_id=line_item_id,
            user_id=str(score["userId"]),
            score_given=float(score["scoreGiven"]),
            score_maximum=float(score["scoreMaximum"]),
            timestamp=str(score["timestamp"]),
            outcome="refused",
        )
        self._book.content.received.append(received)
        when = datetime.fromisoformat(received.timestamp)
        if received.user_id not in self._book.content.users:
            raise LineItemNotFoundException()
        if self.outcome in ("fail", "conflict", "unauthorized"):
            received.outcome = self.outcome
            self._book.save()
            return UpdateScoreStatus.OLD_TIMESTAMP
        written = self._book.write_score(line_item_id, received.user_id, received, when)
        received.outcome = "written" if written else "too early"
        self._book.save()
        return UpdateScoreStatus.SUCCESS if written else UpdateScoreStatus.OLD_TIMESTAMP

    def get_results(self, line_item_id: str, **kwargs: Any) -> dict[str, Any]:
        column = self._book.content.grades.get(line_item_id, {})
        wanted = kwargs.get("user_id")
        results = [
            {
                "id": f"{line_item_address(self._issuer, line_item_id)}&user={user_id}",
                "scoreOf": line_item_address(self._issuer, line_item_id),
                "userId": user_id,
                "resultScore": cell.score_given / cell.score_maximum * self._link.score_maximum,
                "resultMaximum": self._link.score_maximum,
            }
            for user_id, cell in column.items()
            if wanted in (None, user_id)
        ]
        return {"content": results, "has_next": False, "next": None}


def line_items_address(issuer: str, context_id: str) -> str:
    return f"{issuer}/contexts/{context_id}/lineitems"


def line_item_address(issuer: str, link_id: str) -> str:
    """With a query, as Moodle's: `/scores` belongs before it."""
    return f"{issuer}/lineitems/{link_id}/lineitem{LINE_ITEM_QUERY}"


TOKEN_ERRORS = (LtiException, jwt.PyJWTError, KeyError, AssertionError, msgspec.DecodeError)
