-- A tenant's organization in Keycloak, and whether its members must come through it.

create table keycloak_organization (
  tenant_id uuid primary key references tenant (id),
  organization_id text not null unique check (length(organization_id) between 1 and 64),
  -- Then a sign-in counts only with this organization's id in the token.
  required boolean not null default false,
  linked_at timestamptz not null default now()
);
select app.tenant_table('keycloak_organization', 'select, insert, update');
