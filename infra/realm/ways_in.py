"""The ways in that a person may add to their account, and what each asks of them.

Keycloak makes its flows and required actions itself when a realm is made; the import can only
replace them whole. So what differs from Keycloak's own is brought in here, each time.
"""

from typing import Any, Final

from keycloak import KeycloakAdmin

#: Flow → its executions, by provider or by name, that Keycloak would have otherwise.
EXECUTIONS: Final[dict[str, dict[str, str]]] = {
    # What a second factor may be. Codes for the day the phone is gone are off in Keycloak's flow.
    "browser": {
        "auth-otp-form": "ALTERNATIVE",
        "auth-recovery-authn-code-form": "ALTERNATIVE",
    },
    # Who reads a person's mail may set a new password, but takes no second factor away: Keycloak's
    # own flow would have them set up one-time codes anew.
    "reset credentials": {"Reset - Conditional OTP": "DISABLED"},
}
RESET_FLOW: Final = "reset credentials"
RESET_BY_MAIL: Final = "reset-credential-email"
#: After the new password one signs in with it, second factor included.
RESET_CONFIG: Final = {
    "alias": "passerelle reset by mail",
    "config": {"force-login": "true"},
}
#: What a person may start from `/me/security` (Keycloak's application-initiated actions).
ACTIONS: Final = frozenset(
    {
        "UPDATE_PASSWORD",
        "CONFIGURE_TOTP",
        "CONFIGURE_RECOVERY_AUTHN_CODES",
        "webauthn-register-passwordless",
        "delete_credential",
        "VERIFY_EMAIL",
    }
)
#: What nobody is offered: a security key as a second factor beside the passkey is one too many.
REFUSED_ACTIONS: Final = frozenset({"webauthn-register", "delete_account"})


async def bring_ways_in(admin: KeycloakAdmin) -> None:
    """Switches them on in the realm that `admin` stands in."""
    for flow, wanted in EXECUTIONS.items():
        await _bring_executions(admin, flow, wanted)
    await _bring_actions(admin)


async def _bring_executions(admin: KeycloakAdmin, flow: str, wanted: dict[str, str]) -> None:
    executions: list[dict[str, Any]] = await admin.a_get_authentication_flow_executions(flow)
    for execution in executions:
        name = str(execution.get("providerId") or execution.get("displayName"))
        if name in wanted and execution["requirement"] != wanted[name]:
            await admin.a_update_authentication_flow_executions(
                execution | {"requirement": wanted[name]}, flow
            )
        if (
            flow == RESET_FLOW
            and name == RESET_BY_MAIL
            and not execution.get("authenticationConfig")
        ):
            await admin.a_create_execution_config(execution["id"], RESET_CONFIG)


async def _bring_actions(admin: KeycloakAdmin) -> None:
    actions: list[dict[str, Any]] = await admin.a_get_required_actions()
    for action in actions:
        alias = str(action["alias"])
        if alias not in ACTIONS | REFUSED_ACTIONS:
            continue
        wanted_state = {"enabled": alias in ACTIONS, "defaultAction": False}
        if any(action[name] != value for name, value in wanted_state.items()):
            await admin.a_update_required_action(alias, action | wanted_state)
