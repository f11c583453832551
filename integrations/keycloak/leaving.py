"""An erased person's account in Keycloak, and an erased organisation's organization, go as well."""

from uuid import UUID

from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakError

from integrations.keycloak import store
from integrations.keycloak.administration import HTTP_NOT_FOUND, Administration
from integrations.keycloak.model import KeycloakUnavailable
from passerelle.kernel import actor as actors
from passerelle.kernel.work import Work
from tenants.leaving import before_a_person_goes, before_a_tenant_goes

TASK = "keycloak.leaving"


@before_a_person_goes
async def delete_accounts(work: Work, person_id: UUID) -> None:
    """Those of this realm: an account elsewhere is whoever's it is there.

    Raises KeycloakUnavailable or KeycloakError.
    """
    own = work.settings
    issuer = f"{own.keycloak_url}/realms/{own.keycloak_realm}"
    known = await store.identities(work.database.person_reader(person_id, actors.system(TASK)))
    subjects = [each.subject for each in known if each.issuer == issuer]
    if not subjects:
        return
    async with Administration(own) as administration:
        for subject in subjects:
            await administration.delete_account(subject)


@before_a_tenant_goes
async def delete_organization(work: Work, tenant_id: UUID) -> None:
    """Raises KeycloakUnavailable, also where Keycloak refuses."""
    actor = actors.system(TASK, tenant_id)
    read = work.database.tenant_reader(tenant_id, actor, standing=False)
    tenancy = await store.tenancy(read)
    if tenancy is None or not work.settings.keycloak_url:
        return
    async with Administration(work.settings) as administration:
        admin = KeycloakAdmin(connection=administration.connection)
        try:
            await admin.a_delete_organization(tenancy.organization_id)
        except KeycloakError as error:
            if error.response_code != HTTP_NOT_FOUND:
                raise KeycloakUnavailable(str(error.error_message)[:300]) from None
