-- Achievements, issuers' keys, issued credentials, and the person's own copy of each.

create table achievement (
  tenant_id uuid not null references tenant (id),
  id uuid not null default uuidv7(),
  code text not null check (code ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name jsonb not null,
  description jsonb not null,
  criteria jsonb not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, code)
);
select app.tenant_table('achievement');

create table achievement_skill (
  tenant_id uuid not null,
  achievement_id uuid not null,
  skill_id uuid not null references skill (id),
  level smallint not null check (level between 1 and 4),
  primary key (tenant_id, achievement_id, skill_id),
  foreign key (tenant_id, achievement_id) references achievement (tenant_id, id) on delete cascade
);
select app.tenant_table('achievement_skill');

-- The public key as its Multikey text; the private one sealed (kernel.secrets). The DID stays the
-- one the key was made under: what it signed still verifies when our own address changes.
create table issuer_key (
  tenant_id uuid not null references tenant (id),
  id uuid not null default uuidv7(),
  controller text not null,
  public_key text not null unique,
  sealed_private_key bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (tenant_id, id)
);
create unique index issuer_key_current on issuer_key (tenant_id) where retired_at is null;
select app.tenant_table('issuer_key', 'select, insert, update');

-- A row without a document waits to be signed; without a person, its holder was erased. It stays,
-- so that a copy that someone holds can still be told from a forged or withdrawn one.
create table issued_credential (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  person_id uuid,
  achievement_id uuid not null,
  attempt_id uuid,
  earned_at timestamptz not null,
  document text,
  issued_at timestamptz,
  revoked_at timestamptz,
  revocation_reason text,
  primary key (tenant_id, id),
  unique (id),
  unique (tenant_id, attempt_id),
  foreign key (tenant_id, achievement_id) references achievement (tenant_id, id),
  check (document is null or issued_at is not null),
  check ((revoked_at is null) = (revocation_reason is null))
);
create index issued_credential_of_person on issued_credential (tenant_id, person_id);
select app.tenant_table('issued_credential', 'select, insert, update');

create table wallet_credential (
  person_id uuid not null references person (person_id) on delete cascade,
  id uuid not null,
  tenant_id uuid not null,
  document text not null,
  issuer_name jsonb not null,
  achievement_name jsonb not null,
  skills jsonb not null,
  earned_at timestamptz not null,
  received_at timestamptz not null default now(),
  revoked_at timestamptz,
  primary key (person_id, id)
);
select app.person_table('wallet_credential');

-- A verifier comes with a credential's identifier, or with a document that names a public key.
grant select (tenant_id, id) on issued_credential to app_definer;
grant select (tenant_id, public_key) on issuer_key to app_definer;

create function app.tenant_by_credential(wanted uuid) returns uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select c.tenant_id from issued_credential c where c.id = wanted
$$;

create function app.tenant_by_issuer_key(wanted text) returns uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select k.tenant_id from issuer_key k where k.public_key = wanted
$$;

alter function app.tenant_by_credential owner to app_definer;
alter function app.tenant_by_issuer_key owner to app_definer;
grant execute on function app.tenant_by_credential, app.tenant_by_issuer_key to web_lookup;
