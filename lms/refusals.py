"""Why a launch is refused: one class a reason, each with what an LMS administrator can do.

The titles are for the person in front of the screen, the mends for whoever runs the LMS.
"""

from passerelle.kernel.errors import Problem
from passerelle.kernel.language import N_


class LaunchRefused(Problem):
    """The parent of every refusal; itself raised only for what PyLTI1p3 alone refused."""

    status = 400
    title = N_("Your LMS sent a launch that we can't accept")
    mend = N_(
        "Open the activity again from your course. If it happens again, show this page to "
        "whoever runs your LMS."
    )


# The third-party login that comes before a launch.


class LoginIncomplete(LaunchRefused):
    title = N_("Your LMS began the launch without everything it takes")
    mend = N_(
        "In the LMS, the tool must be an LTI 1.3 tool whose login address is ours; it sends "
        "iss, login_hint and target_link_uri."
    )


class RegistrationUnknown(LaunchRefused):
    status = 404
    title = N_("This LMS is not connected to any organisation here")
    mend = N_(
        "Compare issuer and client id in the LMS with the connection in the organisation's "
        "settings here, or connect the LMS first."
    )


class RegistrationAmbiguous(LaunchRefused):
    title = N_("Several connections fit this launch, and we don't guess")
    mend = N_("Let the LMS send client_id and lti_deployment_id with the login.")


class TargetMissing(LaunchRefused):
    title = N_("The launch does not say what to open")
    mend = N_("Give the link in the course a target address that begins with ours.")


class TargetForeign(LaunchRefused):
    title = N_("The launch leads to an address that is not ours")
    mend = N_(
        "Correct the link's target address in the course: it must begin with this "
        "service's address."
    )


# The form that the browser brings back.


class LaunchIncomplete(LaunchRefused):
    title = N_("The launch arrived incomplete")
    mend = N_(
        "Open the activity from your course. In the LMS, the tool's redirect address must "
        "be exactly ours, with no redirect on the way."
    )


class PlatformDeclined(LaunchRefused):
    title = N_("Your LMS stopped the launch")
    mend = N_(
        "Sign in to the LMS and open the activity again. Its administrator finds the error "
        "named here in the LMS's own log."
    )


class LaunchTooLarge(LaunchRefused):
    status = 413
    title = N_("The launch is larger than we accept")
    mend = N_("Let the LMS send fewer custom parameters: an id_token has at most 64 KiB.")


class StateForged(LaunchRefused):
    title = N_("This launch did not begin here")
    mend = N_(
        "Open the activity from your course. The LMS must return the state that we sent "
        "with the login, unchanged."
    )


class StateExpired(LaunchRefused):
    title = N_("The launch took too long")
    mend = N_("Open the activity again from your course: a launch is valid for 10 minutes.")


class CookieMissing(LaunchRefused):
    title = N_("Your browser did not keep our cookie")
    mend = N_("Let the LMS open this tool in a new window, or allow cookies for this site.")


class OtherBrowser(LaunchRefused):
    status = 403
    title = N_("This launch began in another browser")
    mend = N_("Open the activity again from your course, in this browser.")


# The token: its form, its key, its signature.


class TokenMalformed(LaunchRefused):
    title = N_("The LMS's token can't be read")
    mend = N_("The LMS must send a signed JSON Web Token of three parts as id_token.")


class TokenUnsigned(LaunchRefused):
    title = N_("The LMS's token is not signed")
    mend = N_("Let the LMS sign with RS256; alg none is never accepted.")


class AlgorithmRefused(LaunchRefused):
    title = N_("The LMS's token is signed in a way we don't accept")
    mend = N_("Let the LMS sign with RS256 and the key it publishes.")


class HeaderCritical(LaunchRefused):
    title = N_("The LMS's token asks for an extension we don't know")
    mend = N_("Let the LMS leave crit out of the token's header.")


class KeyIdMissing(LaunchRefused):
    title = N_("The LMS's token does not name its key")
    mend = N_("The token's header needs a kid that stands in the LMS's key set.")


class KeyUnknown(LaunchRefused):
    title = N_("The LMS signed with a key that it does not publish")
    mend = N_(
        "Check that the key set address of this connection is the LMS's own; after a change "
        "of keys, wait a minute and try again."
    )


class KeyUnusable(LaunchRefused):
    title = N_("The LMS published a key we can't use")
    mend = N_("The key must be RSA with at least 2048 bits, for signatures, with alg RS256.")


class SignatureBroken(LaunchRefused):
    status = 403
    title = N_("The signature of the launch does not hold")
    mend = N_(
        "Check that nothing between LMS and browser changes the token, and that the key set "
        "address of this connection belongs to this LMS."
    )


class HeaderKeyRefused(LaunchRefused):
    status = 403
    title = N_("The launch brought its own key")
    mend = N_(
        "A token counts only with a key from the LMS's key set, never with one in its own header."
    )


class KeySetUnreachable(LaunchRefused):
    status = 502
    title = N_("We could not fetch your LMS's keys")
    mend = N_(
        "Open the key set address of this connection from outside the LMS's network: it "
        "must answer with 200, without a redirect, within 10 seconds."
    )


class KeySetMalformed(LaunchRefused):
    status = 502
    title = N_("Your LMS's key set can't be read")
    mend = N_("The key set address must answer with a JSON Web Key Set of at most 100 keys.")


# Who signed, for whom, when.


class IssuerForeign(LaunchRefused):
    status = 403
    title = N_("The launch comes from another LMS than the login")
    mend = N_("Issuer in the LMS and issuer of this connection must be the same, to the letter.")


class AudienceForeign(LaunchRefused):
    status = 403
    title = N_("The launch was made for another tool")
    mend = N_("aud must hold the client id of this connection.")


class AuthorizedPartyMissing(LaunchRefused):
    title = N_("The launch names several audiences and no authorized party")
    mend = N_("With several audiences, azp must be the client id of this connection.")


class AuthorizedPartyForeign(LaunchRefused):
    status = 403
    title = N_("The launch was authorized for another tool")
    mend = N_("azp must be the client id of this connection.")


class TimeMalformed(LaunchRefused):
    title = N_("A time in the launch can't be read")
    mend = N_("iat, exp and nbf are seconds since 1970, as numbers.")


class ExpiryMissing(LaunchRefused):
    title = N_("The launch does not say until when it is valid")
    mend = N_("Let the LMS send exp.")


class Expired(LaunchRefused):
    title = N_("The launch is no longer valid")
    mend = N_(
        "Open the activity again. If it happens each time, set the LMS's clock: more than "
        "60 seconds of difference are not accepted."
    )


class IssueTimeMissing(LaunchRefused):
    title = N_("The launch does not say when it was made")
    mend = N_("Let the LMS send iat.")


class IssuedInFuture(LaunchRefused):
    title = N_("The launch was made in the future")
    mend = N_("Set the LMS's clock: more than 60 seconds of difference are not accepted.")


class IssuedBeforeLogin(LaunchRefused):
    title = N_("The launch is older than its own login")
    mend = N_(
        "Open the activity again. If it happens each time, set the LMS's clock: more than "
        "60 seconds of difference are not accepted."
    )


class NotYetValid(LaunchRefused):
    title = N_("The launch is not valid yet")
    mend = N_("Set the LMS's clock, or let it leave out nbf.")


class NonceMissing(LaunchRefused):
    title = N_("The launch lacks its one-time value")
    mend = N_("The LMS must return the nonce that we sent with the login.")


class NonceForeign(LaunchRefused):
    status = 403
    title = N_("The launch answers another login")
    mend = N_("Open the activity again; the LMS must return the nonce of this very login.")


class NonceUsed(LaunchRefused):
    status = 403
    title = N_("This launch was used before")
    mend = N_("Open the activity again from your course: each launch works once.")


# What is launched.


class VersionMissing(LaunchRefused):
    title = N_("The launch does not say which LTI it speaks")
    mend = N_("Let the LMS send the version claim, 1.3.0.")


class VersionUnsupported(LaunchRefused):
    title = N_("The launch speaks another LTI than 1.3")
    mend = N_("Set the tool up in the LMS as an LTI 1.3 tool.")


class MessageTypeMissing(LaunchRefused):
    title = N_("The launch does not say what kind of message it is")
    mend = N_("Let the LMS send the message_type claim.")


class MessageTypeUnknown(LaunchRefused):
    title = N_("We don't know this kind of message")
    mend = N_("Place the activity as an LTI resource link.")


class MessageTypeUnserved(LaunchRefused):
    title = N_("This connection serves resource links only")
    mend = N_("Place the activity as an LTI resource link, with its address given by hand.")


class RolesMissing(LaunchRefused):
    title = N_("The launch lacks the roles claim")
    mend = N_("Let the LMS send roles; an empty list is enough.")


class SubjectMissing(LaunchRefused):
    title = N_("The launch does not say who you are")
    mend = N_("Anonymous launches are not accepted: let the LMS send sub.")


class ResourceLinkMissing(LaunchRefused):
    title = N_("The launch does not say which link it comes from")
    mend = N_("Let the LMS send resource_link with its id.")


class DeploymentMissing(LaunchRefused):
    title = N_("The launch does not say which deployment it comes from")
    mend = N_("Let the LMS send deployment_id.")


class DeploymentUnknown(LaunchRefused):
    status = 403
    title = N_("This deployment of the tool is not connected")
    mend = N_("Add the deployment id named here to the connection in the organisation's settings.")


class ClaimMalformed(LaunchRefused):
    title = N_("Something in the launch has the wrong form")
    mend = N_("Correct the claim named here in the LMS's settings for this tool.")
