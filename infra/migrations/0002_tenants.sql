-- Organisations, their members, persons, their identities and what they share.

create table tenant (
  id uuid primary key default uuidv7(),
  slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,30}$'),
  name jsonb not null,
  default_locale text not null check (default_locale in ('en', 'fr', 'ar')),
  -- Stands in the list from which a person chooses whom to share with.
  listed boolean not null default false,
  created_at timestamptz not null default now()
);
alter table tenant enable row level security;
alter table tenant force row level security;
create policy of_tenant on tenant to web_tenant
  using (id = (select app.tenant_strict())) with check (id = (select app.tenant_strict()));
grant select, insert on tenant to web_tenant;

create table member (
  tenant_id uuid not null references tenant (id),
  person_id uuid not null,
  display_name text not null,
  email text,
  locale text not null check (locale in ('en', 'fr', 'ar')),
  status text not null default 'active' check (status in ('active', 'suspended')),
  created_at timestamptz not null default now(),
  primary key (tenant_id, person_id)
);
select app.tenant_table('member');

create table member_role (
  tenant_id uuid not null,
  person_id uuid not null,
  role text not null,
  granted_at timestamptz not null default now(),
  primary key (tenant_id, person_id, role),
  foreign key (tenant_id, person_id) references member (tenant_id, person_id) on delete cascade
);
select app.tenant_table('member_role');

create table person (
  person_id uuid primary key,
  display_name text not null default '',
  email text,
  locale text not null default 'en' check (locale in ('en', 'fr', 'ar')),
  created_at timestamptz not null default now()
);
select app.person_table('person');

-- A sign-in of the person's own. A platform's users are a tenant's rows instead (lms): a tenant
-- supplies its platform's keys, and could otherwise name anyone.
create table identity (
  person_id uuid not null references person (person_id) on delete cascade,
  id uuid not null default uuidv7(),
  issuer text not null,
  subject text not null,
  linked_at timestamptz not null default now(),
  primary key (person_id, id),
  unique (issuer, subject)
);
select app.person_table('identity');

create table sharing (
  person_id uuid not null references person (person_id) on delete cascade,
  id uuid not null default uuidv7(),
  tenant_id uuid not null,
  purpose text not null check (purpose in ('hiring')),
  granted_at timestamptz not null default now(),
  until timestamptz not null,
  withdrawn_at timestamptz,
  primary key (person_id, id),
  check (until > granted_at)
);
create index sharing_of_tenant on sharing (tenant_id, person_id) where withdrawn_at is null;
select app.person_table('sharing');
-- A tenant sees who shares with it now; an ended sharing is gone for it.
create policy shared_with_tenant on sharing for select to web_tenant
  using (tenant_id = (select app.tenant_strict()) and withdrawn_at is null and until > now());
grant select on sharing to web_tenant;

-- What a tenant sees of a person who shares: nothing but the name they gave.
create policy shared_with_tenant on person for select to web_tenant
  using (exists (select 1 from sharing where sharing.person_id = person.person_id));
grant select (person_id, display_name, locale) on person to web_tenant;

grant select (id, slug, name, default_locale, listed) on tenant to app_definer;
grant select (person_id, issuer, subject) on identity to app_definer;

create function app.tenant_by_slug(wanted text)
returns table (id uuid, slug text, name jsonb, default_locale text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug, t.name, t.default_locale from tenant t where t.slug = wanted
$$;

create function app.tenant_directory()
returns table (id uuid, slug text, name jsonb)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug, t.name from tenant t where t.listed order by t.slug
$$;

create function app.tenant_by_id(wanted uuid)
returns table (id uuid, slug text, name jsonb, default_locale text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug, t.name, t.default_locale from tenant t where t.id = wanted
$$;

create function app.person_by_identity(wanted_issuer text, wanted_subject text) returns uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select i.person_id from identity i where i.issuer = wanted_issuer and i.subject = wanted_subject
$$;

alter function app.tenant_by_slug owner to app_definer;
alter function app.tenant_by_id owner to app_definer;
alter function app.tenant_directory owner to app_definer;
alter function app.person_by_identity owner to app_definer;
grant execute on function app.tenant_by_slug, app.tenant_by_id, app.tenant_directory,
  app.person_by_identity to web_lookup;
