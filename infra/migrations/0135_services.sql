-- Objects, notices and the mail log.

-- An object's bytes lie in the object store under tenant/<tenant_id>/<id>; this row names them.
create table tenant_object (
  tenant_id    uuid not null,
  id           uuid not null,
  name         text not null check (length(name) between 1 and 400),
  content_type text not null,
  size_bytes   bigint not null check (size_bytes >= 0),
  digest       text not null check (digest ~ '^[0-9a-f]{64}$'),
  written_at   timestamptz not null default now(),
  written_by   text not null,
  primary key (tenant_id, id),
  unique (tenant_id, name)
);
create index tenant_object_by_id on tenant_object (id);
select app.tenant_table('tenant_object');

create table person_object (
  person_id    uuid not null,
  id           uuid not null,
  name         text not null check (length(name) between 1 and 400),
  content_type text not null,
  size_bytes   bigint not null check (size_bytes >= 0),
  digest       text not null check (digest ~ '^[0-9a-f]{64}$'),
  written_at   timestamptz not null default now(),
  written_by   text not null,
  primary key (person_id, id),
  unique (person_id, name)
);
create index person_object_by_id on person_object (id);
select app.person_table('person_object');

-- Which of these identifiers no row names: their bytes are left over.
create function app.unknown_objects(wanted uuid[]) returns setof uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select one from unnest(wanted) as one
  where not exists (select 1 from tenant_object where tenant_object.id = one)
    and not exists (select 1 from person_object where person_object.id = one)
$$;
grant select (id) on tenant_object, person_object to app_definer;
alter function app.unknown_objects owner to app_definer;
grant execute on function app.unknown_objects to web_lookup;

-- What was sent to whom, and what became of it; no bodies.
create table mail_log (
  tenant_id  uuid not null references tenant (id),
  id         uuid not null,
  message_id text not null,
  kind       text not null,
  person_id  uuid,
  address    text not null,
  subject    text not null,
  state      text not null check (state in ('waiting', 'sent', 'refused', 'given_up')),
  attempts   integer not null,
  detail     text not null default '',
  queued_at  timestamptz not null default now(),
  settled_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, message_id)
);
create index mail_log_of_person on mail_log (tenant_id, person_id);
select app.tenant_table('mail_log');

-- Notices: a kind and what fills in its words. `mail` says when it goes by mail, or that it went.
create table notice (
  tenant_id uuid not null references tenant (id),
  person_id uuid not null,
  id        uuid not null,
  kind      text not null,
  fills     jsonb not null default '{}',
  link      text not null default '' check (link = '' or link ~ '^/[^/\\]'),
  -- What this is about, so that it is said once.
  key       text,
  shown     boolean not null,
  mail      text not null check (mail in ('at_once', 'digest', 'none', 'sent')),
  made_at   timestamptz not null default now(),
  read_at   timestamptz,
  primary key (tenant_id, person_id, id),
  unique (tenant_id, person_id, kind, key)
);
create index notice_unread on notice (tenant_id, person_id) where shown and read_at is null;
create index notice_for_digest on notice (made_at) where mail = 'digest';
select app.tenant_table('notice');

create table notice_choice (
  tenant_id uuid not null references tenant (id),
  person_id uuid not null,
  kind      text not null,
  shown     boolean not null,
  mail      text not null check (mail in ('at_once', 'digest', 'none')),
  primary key (tenant_id, person_id, kind)
);
select app.tenant_table('notice_choice');

create table person_notice (
  person_id uuid not null references person (person_id) on delete cascade,
  id        uuid not null,
  kind      text not null,
  fills     jsonb not null default '{}',
  link      text not null default '' check (link = '' or link ~ '^/[^/\\]'),
  key       text,
  shown     boolean not null,
  mail      text not null check (mail in ('at_once', 'digest', 'none', 'sent')),
  made_at   timestamptz not null default now(),
  read_at   timestamptz,
  primary key (person_id, id),
  unique (person_id, kind, key)
);
create index person_notice_unread on person_notice (person_id) where shown and read_at is null;
create index person_notice_for_digest on person_notice (made_at) where mail = 'digest';
select app.person_table('person_notice');

create table person_notice_choice (
  person_id uuid not null references person (person_id) on delete cascade,
  kind      text not null,
  shown     boolean not null,
  mail      text not null check (mail in ('at_once', 'digest', 'none')),
  primary key (person_id, kind)
);
select app.person_table('person_notice_choice');

-- Whose notices have waited a day for the day's mail: owners alone.
create function app.digests_due(after interval, most integer)
returns table (scope text, owner_id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  (select distinct 'tenant', tenant_id from notice
   where mail = 'digest' and made_at <= now() - after limit most)
  union all
  (select distinct 'person', person_id from person_notice
   where mail = 'digest' and made_at <= now() - after limit most)
$$;
grant select (tenant_id, made_at, mail) on notice to app_definer;
grant select (person_id, made_at, mail) on person_notice to app_definer;
alter function app.digests_due owner to app_definer;
grant execute on function app.digests_due to web_lookup;
