-- Provisioning (SCIM): clients and their tokens, what they provisioned, and the log of what they
-- asked; and by what an organisation's own identity provider will name a member who is expected.

-- Compared only where someone arrives through the organisation's own identity provider.
create table member_expected (
  tenant_id uuid not null,
  key_kind  text not null check (key_kind in ('user_name', 'external_id', 'email')),
  key       text collate "C" not null check (length(key) between 1 and 1000),
  person_id uuid not null,
  primary key (tenant_id, key_kind, key, person_id),
  foreign key (tenant_id, person_id) references member (tenant_id, person_id) on delete cascade
);
create index member_expected_of_person on member_expected (tenant_id, person_id);
select app.tenant_table('member_expected');

-- A person with no sign-in yet, made in the transaction that makes them a member. Whoever is known
-- already is left as they are.
create function app.make_person(wanted uuid, name text, language text) returns void
language sql security definer set search_path = pg_catalog, public as $$
  insert into person (person_id, display_name, locale) values (wanted, name, language)
  on conflict do nothing
$$;
grant insert (person_id, display_name, locale) on person to app_definer;
alter function app.make_person owner to app_definer;
grant execute on function app.make_person to web_tenant;

create table scim_client (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null,
  name        text not null check (length(name) between 1 and 80),
  kind        text not null check (kind in ('entra', 'okta', 'other')),
  created_at  timestamptz not null default now(),
  created_by  text not null,
  revoked_at  timestamptz,
  revoked_by  text,
  -- The last result of its test.
  tested_at   timestamptz,
  test_ok     boolean,
  test_detail text,
  primary key (tenant_id, id),
  check ((revoked_at is null) = (revoked_by is null))
);
select app.tenant_table('scim_client');

-- A token is random and long: its SHA-256 is kept, never itself.
create table scim_token (
  tenant_id    uuid not null,
  id           uuid not null,
  client_id    uuid not null,
  digest       bytea not null unique check (octet_length(digest) = 32),
  hint         text not null check (length(hint) = 4),
  created_at   timestamptz not null default now(),
  created_by   text not null,
  expires_at   timestamptz not null,
  revoked_at   timestamptz,
  last_used_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, client_id) references scim_client (tenant_id, id) on delete cascade
);
create index scim_token_of_client on scim_token (tenant_id, client_id, created_at);
select app.tenant_table('scim_token');

-- Whose token it is, at this address: none that is revoked or has run out.
create function app.scim_token(at_slug text, shown bytea)
returns table (tenant_id uuid, client_id uuid, token_id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  select token.tenant_id, token.client_id, token.id
  from scim_token as token
  join scim_client as client
    on client.tenant_id = token.tenant_id and client.id = token.client_id
  join tenant on tenant.id = token.tenant_id
  where token.digest = shown and tenant.slug = at_slug and client.revoked_at is null
    and token.revoked_at is null and token.expires_at > now()
$$;
grant select (tenant_id, id, client_id, digest, expires_at, revoked_at) on scim_token to app_definer;
grant select (tenant_id, id, revoked_at) on scim_client to app_definer;
alter function app.scim_token owner to app_definer;
grant execute on function app.scim_token to web_lookup;

-- Users and groups as their client sees them. A user is the face of one membership; what it says
-- of itself stands in `attributes`, and once more in the form in which it is compared.
create table scim_resource (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null,
  kind        text not null check (kind in ('User', 'Group')),
  -- userName or displayName.
  name        text not null check (length(name) between 1 and 254),
  name_key    text collate "C" not null,
  external_id text collate "C" check (length(external_id) <= 254),
  person_id   uuid,
  client_id   uuid not null,
  -- Whether the membership is suspended because the client said so, and by nobody else.
  suspended   boolean not null default false,
  attributes  jsonb not null,
  folded      jsonb not null,
  version     integer not null default 1,
  created_at  timestamptz not null default now(),
  changed_at  timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, client_id) references scim_client (tenant_id, id),
  foreign key (tenant_id, person_id) references member (tenant_id, person_id) on delete cascade,
  check ((kind = 'User') = (person_id is not null))
);
create unique index scim_user_name on scim_resource (tenant_id, name_key) where kind = 'User';
create unique index scim_resource_of_person on scim_resource (tenant_id, person_id)
  where person_id is not null;
create index scim_resource_by_name on scim_resource (tenant_id, kind, name_key);
create index scim_resource_by_external_id on scim_resource (tenant_id, kind, external_id);
create index scim_resource_in_order on scim_resource (tenant_id, kind, id);
select app.tenant_table('scim_resource');

create table scim_group_member (
  tenant_id uuid not null,
  group_id  uuid not null,
  user_id   uuid not null,
  -- As the client named them when they joined.
  display   text check (length(display) <= 254),
  added_at  timestamptz not null default now(),
  primary key (tenant_id, group_id, user_id),
  foreign key (tenant_id, group_id) references scim_resource (tenant_id, id) on delete cascade,
  foreign key (tenant_id, user_id) references scim_resource (tenant_id, id) on delete cascade
);
create index scim_group_member_of_user on scim_group_member (tenant_id, user_id, group_id);
select app.tenant_table('scim_group_member');

-- What was changed or refused; what is only read, or changes nothing, leaves no row.
create table scim_log (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null,
  client_id   uuid not null,
  client_name text not null,
  asked_at    timestamptz not null default now(),
  action      text not null,
  kind        text not null,
  resource_id text,
  name        text not null default '',
  person_id   uuid,
  status      integer not null,
  detail      text not null default '',
  primary key (tenant_id, id)
);
create index scim_log_of_person on scim_log (tenant_id, person_id) where person_id is not null;
create index scim_log_by_client on scim_log (tenant_id, client_id, id);
create index scim_log_by_age on scim_log (tenant_id, asked_at);
select app.tenant_table('scim_log');
