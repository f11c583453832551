-- Privacy: consents on record, exports, erasures and their receipts, retention; and the role that
-- carries a tenant out of an installation and into another.

-- ---- carrying a whole tenant ----
-- tenant_carrier (infra.database makes it; nobody signs in as it) reads and appends the rows of the
-- one tenant that is bound, in every table. What an imported file holds can reach no other tenant.
create function app.let_carry(name text, owner_column text default 'tenant_id') returns void
language plpgsql as $$
begin
  execute format('create policy of_carrier on public.%I to tenant_carrier '
    'using (%I = (select app.tenant_strict())) '
    'with check (%I = (select app.tenant_strict()))', name, owner_column, owner_column);
  execute format('grant select, insert on public.%I to tenant_carrier', name);
end $$;

create or replace function app.tenant_table(
  name text, privileges text default 'select, insert, update, delete'
) returns void language plpgsql as $$
begin
  execute format('alter table public.%I enable row level security', name);
  execute format('alter table public.%I force row level security', name);
  execute format('create policy of_tenant on public.%I to web_tenant '
    'using (tenant_id = (select app.tenant_strict())) '
    'with check (tenant_id = (select app.tenant_strict()))', name);
  execute format('grant %s on public.%I to web_tenant', privileges, name);
  perform app.let_erase(name);
  perform app.let_carry(name);
end $$;

do $$
declare one name;
begin
  for one in select relation from app.tables_to_erase() loop
    perform app.let_carry(one::text);
  end loop;
end $$;
select app.let_carry('tenant', 'id');
grant usage on schema app, public to tenant_carrier;
grant execute on function app.tenant_strict, app.folded to tenant_carrier;
-- An import says which skills are unknown here before it begins.
grant select on skill, model_version to tenant_carrier;
-- What triggers fill in while rows arrive is replaced by what the file holds.
grant delete on audit_pending, member_word to tenant_carrier;

-- ---- the ledger of consents ----
-- Which text was shown, when it was agreed to and taken back, and by which events. The person's row;
-- the organisation that relied on it sees it after the withdrawal too, for it must be able to prove it.
create table consent (
  person_id          uuid not null references person (person_id) on delete cascade,
  id                 uuid not null default uuidv7(),
  tenant_id          uuid not null,
  purpose            text not null,
  sharing_id         uuid,
  text_version       text not null,
  locale             text not null check (locale in ('en', 'fr', 'ar')),
  given_at           timestamptz not null default now(),
  given_by_event     uuid not null,
  until              timestamptz,
  withdrawn_at       timestamptz,
  withdrawn_by_event uuid,
  primary key (person_id, id),
  check ((withdrawn_at is null) = (withdrawn_by_event is null))
);
create index consent_of_tenant on consent (tenant_id, given_at, id);
select app.person_table('consent');
create policy consent_seen_by_tenant on consent for select to web_tenant
  using (tenant_id = (select app.tenant_strict()));
grant select on consent to web_tenant;

-- ---- exports ----
create table person_export (
  person_id      uuid not null references person (person_id) on delete cascade,
  id             uuid not null,
  requested_at   timestamptz not null default now(),
  -- The session that asked for it alone may fetch it.
  session_digest text not null,
  state          text not null default 'waiting'
    check (state in ('waiting', 'working', 'ready', 'failed', 'expired')),
  done           integer not null default 0,
  total          integer not null default 0,
  object_name    text,
  size_bytes     bigint,
  digest         text,
  ready_at       timestamptz,
  expires_at     timestamptz,
  fetched_at     timestamptz,
  primary key (person_id, id)
);
select app.person_table('person_export');

create table tenant_export (
  tenant_id         uuid not null references tenant (id),
  id                uuid not null,
  requested_at      timestamptz not null default now(),
  requested_by      uuid,
  requested_by_name text not null,
  -- The passphrase, sealed, until the file is made.
  sealed_passphrase bytea,
  state             text not null default 'waiting'
    check (state in ('waiting', 'working', 'ready', 'failed', 'expired')),
  done              integer not null default 0,
  total             integer not null default 0,
  object_name       text,
  size_bytes        bigint,
  digest            text,
  ready_at          timestamptz,
  expires_at        timestamptz,
  fetched_at        timestamptz,
  primary key (tenant_id, id),
  check (sealed_passphrase is null or state in ('waiting', 'working'))
);
select app.tenant_table('tenant_export');

-- ---- erasures ----
-- A person's own: waits until due, and can be taken back till then.
create table person_erasure (
  person_id    uuid not null references person (person_id) on delete cascade,
  id           uuid not null,
  requested_at timestamptz not null default now(),
  due_at       timestamptz not null,
  cancelled_at timestamptz,
  -- When the worker was told to begin; from then on it can't be taken back.
  handed_at    timestamptz,
  -- Set when it begins: the organisations whose part there is, however often it is resumed.
  tenants      uuid[],
  primary key (person_id, id),
  check (cancelled_at is null or handed_at is null)
);
create unique index person_erasure_open on person_erasure (person_id) where cancelled_at is null;
create index person_erasure_due on person_erasure (due_at)
  where cancelled_at is null and handed_at is null;
select app.person_table('person_erasure');

-- An organisation's: asked for by its officer, or its part of a person's own. Once finished it holds
-- no identifier but a hash: receipt and tombstone in one.
create table member_erasure (
  tenant_id         uuid not null references tenant (id),
  id                uuid not null,
  person_id         uuid,
  person_digest     bytea not null check (octet_length(person_digest) = 32),
  asked_by          text not null check (asked_by in ('person', 'officer', 'import')),
  requested_by      uuid,
  requested_by_name text not null,
  reason            text not null,
  requested_at      timestamptz not null default now(),
  due_at            timestamptz not null,
  cancelled_at      timestamptz,
  handed_at         timestamptz,
  finished_at       timestamptz,
  -- Table → what was done and to how many rows.
  parts             jsonb,
  primary key (tenant_id, id),
  check ((finished_at is null) = (parts is null)),
  check (finished_at is null or person_id is null)
);
create index member_erasure_of_person on member_erasure (tenant_id, person_digest);
create index member_erasure_due on member_erasure (due_at)
  where finished_at is null and cancelled_at is null and handed_at is null;
create unique index member_erasure_open on member_erasure (tenant_id, person_id)
  where finished_at is null and cancelled_at is null;
select app.tenant_table('member_erasure', 'select, insert');
grant update (cancelled_at) on member_erasure to web_tenant;
grant update on member_erasure to worker_tenant;

-- What is left of an erased person: nobody's row, a hash and counts. It keeps an import from
-- bringing them back, and answers who holds the receipt's number.
create table erasure_receipt (
  id            uuid primary key,
  person_digest bytea not null check (octet_length(person_digest) = 32),
  erased_at     timestamptz not null default now(),
  content       jsonb not null
);
create index erasure_receipt_of_person on erasure_receipt (person_digest);
grant select, insert on erasure_receipt to app_definer;

create function app.person_digest(person uuid) returns bytea
language sql immutable strict parallel safe set search_path = pg_catalog as $$
  select sha256(uuid_send(person))
$$;
create function app.member_digest(tenant uuid, person uuid) returns bytea
language sql immutable strict parallel safe set search_path = pg_catalog as $$
  select sha256(uuid_send(tenant) || uuid_send(person))
$$;

create function app.keep_receipt(receipt uuid, content jsonb) returns void
language sql security definer set search_path = pg_catalog, public as $$
  insert into erasure_receipt (id, person_digest, content)
  values (receipt, app.person_digest((select app.person_strict())), content)
$$;
-- An organisation's erasure of one member, outliving the organisation.
create function app.keep_member_tombstone(receipt uuid, person uuid) returns void
language sql security definer set search_path = pg_catalog, public as $$
  insert into erasure_receipt (id, person_digest, content)
  values (receipt, app.member_digest((select app.tenant_strict()), person), '{}')
$$;
create function app.erasure_receipt(wanted uuid) returns table (erased_at timestamptz, content jsonb)
language sql security definer stable set search_path = pg_catalog, public as $$
  select r.erased_at, r.content from erasure_receipt r where r.id = wanted and r.content <> '{}'
$$;
-- Which of these persons were erased here, altogether or from the bound tenant, after `since`.
create function app.erased_persons(wanted uuid[], since timestamptz) returns setof uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select one from unnest(wanted) as one
  where exists (select from erasure_receipt r where r.erased_at > since and r.person_digest
    in (app.person_digest(one), app.member_digest((select app.tenant_strict()), one)))
$$;

-- Where the bound person has rows: each organisation's part is done in its own binding.
create index if not exists member_of_person on member (person_id);
create index if not exists application_of_person on application (person_id);
create index if not exists issued_credential_to_person on issued_credential (person_id);
grant select (tenant_id, person_id) on member, application, issued_credential to app_definer;
create function app.tenants_of_person() returns setof uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  with bound as materialized (select app.person_strict() as id)
  select tenant_id from member, bound where member.person_id = bound.id
  union select tenant_id from application, bound where application.person_id = bound.id
  union select tenant_id from issued_credential, bound where issued_credential.person_id = bound.id
$$;

-- Erasures that are due and exports whose time is over: identifiers, for the worker's clock.
create function app.privacy_due(most integer) returns table (kind text, owner_id uuid, id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  (select 'person_erasure', e.person_id, e.id from person_erasure e
   where e.cancelled_at is null and e.handed_at is null and e.due_at <= now()
   order by e.due_at limit most)
  union all
  (select 'member_erasure', e.tenant_id, e.id from member_erasure e
   where e.finished_at is null and e.cancelled_at is null and e.handed_at is null
     and e.due_at <= now() and e.asked_by = 'officer'
   order by e.due_at limit most)
  union all
  (select 'person_export', e.person_id, e.id from person_export e
   where e.state = 'ready' and e.expires_at <= now() limit most)
  union all
  (select 'tenant_export', e.tenant_id, e.id from tenant_export e
   where e.state = 'ready' and e.expires_at <= now() limit most)
$$;
grant select (person_id, id, due_at, cancelled_at, handed_at) on person_erasure to app_definer;
grant select (tenant_id, id, due_at, cancelled_at, handed_at, finished_at, asked_by)
  on member_erasure to app_definer;
grant select (person_id, id, state, expires_at) on person_export to app_definer;
grant select (tenant_id, id, state, expires_at) on tenant_export to app_definer;

-- ---- words taken out of the record ----
-- A value without its words: numbers, identifiers, moments and codes stay. Unless `everything`, only
-- words that mention the name or the address go.
create function app.without_words(value jsonb, everything boolean, named text, addressed text)
returns jsonb
language plpgsql immutable set search_path = pg_catalog as $$
declare said text;
begin
  case jsonb_typeof(value)
    when 'object' then
      return coalesce((
        select jsonb_object_agg(each.key, app.without_words(each.value, everything, named, addressed))
        from jsonb_each(value) as each), '{}');
    when 'array' then
      return coalesce((
        select jsonb_agg(app.without_words(each.one, everything, named, addressed) order by each.place)
        from jsonb_array_elements(value) with ordinality as each(one, place)), '[]');
    when 'string' then
      said := value #>> '{}';
      if coalesce(strpos(said, named) > 0, false) or coalesce(strpos(lower(said), addressed) > 0, false)
        or (everything and said !~ '^[a-z0-9_.:T+Z-]{0,64}$')
      then
        return '"[erased]"';
      end if;
      return value;
    else return value;
  end case;
end $$;

-- Events about the person lose their words, events that they caused lose name and address, and
-- elsewhere what mentions their name or address goes. Answers which events were changed. The worker's
-- alone: the audit record tells of each (tenants.audit.redaction).
create function app.redact_events(
  wanted uuid, wanted_name text, wanted_email text, names_stay text[]
) returns setof uuid
language sql security definer set search_path = pg_catalog, public as $$
  with terms as materialized (
    select case when length(wanted_name) >= 5 then wanted_name end as named,
      case when length(wanted_email) >= 5 then lower(wanted_email) end as addressed
  ), found as (
    select e.*, (e.person_id is not distinct from wanted or e.subject is not distinct from wanted)
        as about, e.actor_person_id is not distinct from wanted as acted
    from tenant_event e, terms
    where e.tenant_id = (select app.tenant_strict()) and e.name <> 'events.redacted'
      and (e.person_id = wanted or e.subject = wanted or e.actor_person_id = wanted
        or strpos(concat(e.payload, e.before, e.reason, e.actor_name), terms.named) > 0
        or strpos(lower(concat(e.payload, e.before, e.reason)), terms.addressed) > 0)
  ), redacted as (
    select f.tenant_id, f.id,
      app.without_words(f.payload, f.about, terms.named, terms.addressed) as payload,
      app.without_words(f.before, f.about, terms.named, terms.addressed) as before,
      case when f.reason is null then null
        when f.about or strpos(f.reason, terms.named) > 0 or strpos(lower(f.reason), terms.addressed) > 0
        then '[erased]' else f.reason end as reason,
      case when f.acted and not (f.name = any (names_stay)) then '[erased]'
        else f.actor_name end as actor_name,
      case when f.acted then null else f.source_address end as source_address
    from found f, terms
  )
  update tenant_event e
  set payload = r.payload, before = r.before, reason = r.reason, actor_name = r.actor_name,
    source_address = r.source_address
  from redacted r
  where (e.tenant_id, e.id) = (r.tenant_id, r.id)
    and (e.payload, e.before, e.reason, e.actor_name, e.source_address)
      is distinct from (r.payload, r.before, r.reason, r.actor_name, r.source_address)
  returning e.id
$$;
grant select, update (payload, before, reason, actor_name, source_address)
  on tenant_event to app_definer;
grant execute on function app.without_words, app.tenant_strict, app.person_strict to app_definer;

-- ---- retention ----
create table retention_run (
  tenant_id uuid not null references tenant (id),
  ran_at    timestamptz not null,
  next_at   timestamptz not null,
  primary key (tenant_id)
);
select app.tenant_table('retention_run', 'select');
grant insert, update on retention_run to worker_tenant;
grant select (tenant_id, next_at) on retention_run to app_definer;
create function app.retention_due(most integer) returns table (tenant_id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id from tenant t left join retention_run r on r.tenant_id = t.id
  where t.status = 'active' and coalesce(r.next_at, '-infinity') <= now()
  order by r.next_at nulls first limit most
$$;

-- Retention and erasure delete what the application itself never does.
grant delete on application, decision to worker_tenant;
grant update (changed_by) on tenant_plan to worker_tenant;
grant update (asked_by, asked_by_name) on audit_check to worker_tenant;
-- A person's own record ends with the person, and only as a whole.
create function app.erase_own_record() returns table (relation text, erased bigint)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  delete from person_delivery where person_id = (select app.person_strict());
  get diagnostics erased = row_count;
  relation := 'person_delivery';
  return next;
  delete from person_event where person_id = (select app.person_strict());
  get diagnostics erased = row_count;
  relation := 'person_event';
  return next;
end $$;
grant delete on person_event, person_delivery to app_definer;
alter function app.erase_own_record owner to app_definer;
grant execute on function app.erase_own_record to worker_person;

alter function app.person_digest owner to app_definer;
alter function app.member_digest owner to app_definer;
alter function app.keep_member_tombstone owner to app_definer;
alter function app.keep_receipt owner to app_definer;
alter function app.erasure_receipt owner to app_definer;
alter function app.erased_persons owner to app_definer;
alter function app.tenants_of_person owner to app_definer;
alter function app.privacy_due owner to app_definer;
alter function app.redact_events owner to app_definer;
alter function app.retention_due owner to app_definer;
grant execute on function app.person_digest to web_tenant;
grant execute on function app.keep_member_tombstone to worker_tenant;
grant execute on function app.keep_receipt to worker_person;
grant execute on function app.erasure_receipt to web_lookup;
grant execute on function app.erased_persons to worker_tenant;
grant execute on function app.tenants_of_person to web_person;
grant execute on function app.redact_events to worker_tenant;
grant execute on function app.privacy_due, app.retention_due to worker_relay;
