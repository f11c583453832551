-- Organisations: how one is made, its units, its host names, its standing, and its end.

-- A bound transaction holds its tenant: while one runs, nobody erases that tenant's rows. The lock
-- stands before the question, so that who waited for an erasure sees that there is no tenant.
create function app.tenant_lock(wanted uuid) returns bigint
language sql immutable parallel safe set search_path = pg_catalog as $$
  select hashtextextended(wanted::text, 7283003)
$$;
alter function app.tenant_lock owner to app_definer;

create or replace function app.bind_tenant(wanted uuid) returns text
language plpgsql security definer set search_path = pg_catalog, public as $$
declare standing text;
begin
  perform pg_advisory_xact_lock_shared(app.tenant_lock(wanted));
  select tenant.status into standing from tenant where tenant.id = wanted;
  if standing is null or standing = 'deleting' then
    raise exception 'no such tenant' using errcode = 'PT404';
  elsif standing = 'suspended' then
    raise exception 'the tenant is suspended' using errcode = 'PT403';
  end if;
  return set_config('app.tenant', wanted::text, true);
end $$;

-- ---- making one ----
alter table tenant
  -- SHA-256 of an operator's Idempotency-Key, or of a sign-up: the same request makes one tenant.
  add column request_key text unique,
  -- SHA-256 of what that request asked for.
  add column request_digest text,
  add column deletion_asked_at timestamptz,
  add column deletion_reason text,
  add column erase_after timestamptz,
  -- Of a suspended tenant while it waits to be erased: what a restored one is suspended for.
  add column suspension_kept text,
  add check ((request_key is null) = (request_digest is null)),
  add check ((status = 'deleting') = (erase_after is not null)),
  add check ((status = 'deleting') = (deletion_asked_at is not null)),
  add check ((status = 'deleting') = (deletion_reason is not null)),
  add check (status = 'deleting' or suspension_kept is null);
-- The application's role makes a tenant as it is at first; its standing is changed by the functions
-- below alone.
revoke insert on tenant from web_tenant;
grant insert (id, slug, name, default_locale, listed, request_key, request_digest)
  on tenant to web_tenant;

create function app.tenant_by_request(wanted_key text)
returns table (id uuid, slug text, request_digest text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug, t.request_digest from tenant t where t.request_key = wanted_key
$$;
grant select (request_key, request_digest) on tenant to app_definer;
alter function app.tenant_by_request owner to app_definer;
grant execute on function app.tenant_by_request to web_lookup;

-- A sign-up that waits for its e-mail address to be proved: the row of a person who is not known
-- yet, under an identifier made for it.
create table sign_up (
  person_id      uuid not null,
  id             uuid not null,
  slug           text not null,
  name           jsonb not null,
  default_locale text not null check (default_locale in ('en', 'fr', 'ar')),
  email          text not null check (length(email) between 3 and 254),
  locale         text not null check (locale in ('en', 'fr', 'ar')),
  asked_at       timestamptz not null default now(),
  expires_at     timestamptz not null,
  primary key (person_id, id)
);
create index sign_up_expiry on sign_up (expires_at);
select app.person_table('sign_up', 'select, insert, delete');

create function app.expired_sign_ups(most integer) returns table (person_id uuid, id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  select s.person_id, s.id from sign_up s where s.expires_at <= now() order by s.expires_at limit most
$$;
grant select (person_id, id, expires_at) on sign_up to app_definer;
alter function app.expired_sign_ups owner to app_definer;
grant execute on function app.expired_sign_ups to worker_relay;

-- ---- units ----
create table unit (
  tenant_id  uuid not null references tenant (id),
  id         uuid not null default uuidv7(),
  -- Null for the root alone.
  parent_id  uuid,
  code       text not null check (code ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name       jsonb not null,
  -- Code and names, folded: what the search looks in.
  folded     text not null,
  created_at timestamptz not null default now(),
  closed_at  timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, code),
  foreign key (tenant_id, parent_id) references unit (tenant_id, id),
  check (parent_id is not null or closed_at is null)
);
create unique index unit_root on unit (tenant_id) where parent_id is null;
create index unit_of_parent on unit (tenant_id, parent_id, code);
select app.tenant_table('unit', 'select, insert');
grant update (parent_id, name, folded, closed_at) on unit to web_tenant;

-- One tree: no unit stands below itself, none deeper than 12, at most 5,000 in all. Changes of an
-- organisation's tree go one after the other, so that two moves can't make a ring together.
create function app.unit_in_tree() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
declare above integer; below integer; ring boolean;
begin
  perform pg_advisory_xact_lock(hashtextextended(new.tenant_id::text, 7283004));
  if new.parent_id is null then
    if tg_op = 'UPDATE' and old.parent_id is not null then
      raise exception 'the root stays the root' using errcode = 'PTU02';
    end if;
    return new;
  end if;
  if tg_op = 'UPDATE' and old.parent_id is null then
    raise exception 'the root stays the root' using errcode = 'PTU02';
  end if;
  with recursive up(id, parent_id, steps) as (
    select u.id, u.parent_id, 1 from unit u where u.tenant_id = new.tenant_id and u.id = new.parent_id
    union all
    select u.id, u.parent_id, up.steps + 1 from unit u join up on u.id = up.parent_id
    where u.tenant_id = new.tenant_id and u.id <> new.id and up.steps < 100
  )
  select max(up.steps), bool_or(up.id = new.id or up.parent_id = new.id) into above, ring from up;
  if ring then
    raise exception 'a unit cannot stand below itself' using errcode = 'PTU01';
  end if;
  below := 0;
  if tg_op = 'UPDATE' then
    with recursive down(id, steps) as (
      select new.id, 0
      union all
      select u.id, down.steps + 1 from unit u join down on u.parent_id = down.id
      where u.tenant_id = new.tenant_id and down.steps < 100
    )
    select max(down.steps) into below from down;
  end if;
  if coalesce(above, 0) + below > 12 then
    raise exception 'the tree is too deep' using errcode = 'PTU03';
  end if;
  return new;
end $$;
create function app.units_counted() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  if exists (
    select from unit where tenant_id in (select fresh.tenant_id from fresh)
    group by tenant_id having count(*) > 5000
  ) then
    raise exception 'too many units' using errcode = 'PTU04';
  end if;
  return null;
end $$;
create trigger units_counted after insert on unit
  referencing new table as fresh for each statement execute function app.units_counted();
create trigger unit_in_tree before insert or update of parent_id on unit
  for each row execute function app.unit_in_tree();

-- "As of a date": the last event of each unit until then.
create index tenant_event_of_units on tenant_event (tenant_id, subject, occurred_at, id)
  where name in ('unit.added', 'unit.renamed', 'unit.moved', 'unit.closed', 'unit.opened_again');

-- Tenants from before there were units. The owner is forced under the policies too.
alter table tenant no force row level security;
alter table unit no force row level security;
insert into unit (tenant_id, code, name, folded)
select id, 'root', name, 'root ' || lower((name ->> 'en') || ' ' || (name ->> 'fr') || ' ' || (name ->> 'ar'))
from tenant;
alter table tenant force row level security;
alter table unit force row level security;

-- ---- host names ----
-- A claim counts once it is proved; of one host, one claim in the whole installation.
create table tenant_host (
  tenant_id  uuid not null references tenant (id),
  host       text not null check (length(host) between 4 and 253 and host = lower(host)),
  token      text not null check (length(token) = 43),
  claimed_at timestamptz not null default now(),
  claimed_by text not null,
  proved_at  timestamptz,
  checked_at timestamptz,
  check_ok   boolean,
  detail     text,
  -- Checks in a row that failed since it was proved.
  failures   integer not null default 0,
  primary key (tenant_id, host)
);
create unique index tenant_host_proved on tenant_host (host) where proved_at is not null;
create index tenant_host_to_check on tenant_host (checked_at) where proved_at is not null;
select app.tenant_table('tenant_host');

create function app.tenant_by_host(wanted text) returns table (id uuid, slug text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug from tenant_host h join tenant t on t.id = h.tenant_id
  where h.host = wanted and h.proved_at is not null and t.status <> 'deleting'
$$;

create function app.due_host_checks(every_s integer, most integer)
returns table (tenant_id uuid, host text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select h.tenant_id, h.host from tenant_host h join tenant t on t.id = h.tenant_id
  where h.proved_at is not null and h.checked_at < now() - every_s * interval '1 second'
    and t.status = 'active'
  order by h.checked_at limit most
$$;
grant select (tenant_id, host, proved_at, checked_at) on tenant_host to app_definer;
alter function app.tenant_by_host owner to app_definer;
alter function app.due_host_checks owner to app_definer;
grant execute on function app.tenant_by_host to web_lookup;
grant execute on function app.due_host_checks to worker_relay;

-- ---- standing ----
-- Each acts on the tenant that is bound, and answers whether anything changed.
grant execute on function app.tenant_strict to app_definer;
grant select (suspended_at, suspended_reason, deletion_asked_at, deletion_reason, erase_after,
    suspension_kept, created_at),
  update (status, suspended_at, suspended_reason, deletion_asked_at, deletion_reason, erase_after,
    suspension_kept) on tenant to app_definer;

create function app.suspend_tenant(wanted uuid, why text) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  update tenant set status = 'suspended', suspended_at = now(), suspended_reason = why
  where id = wanted and id = app.tenant_strict() and status = 'active';
  return found;
end $$;

create function app.lift_tenant(wanted uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  update tenant set status = 'active', suspended_at = null, suspended_reason = null
  where id = wanted and id = app.tenant_strict() and status = 'suspended';
  return found;
end $$;

create function app.delete_tenant(wanted uuid, why text, grace_s integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  update tenant set status = 'deleting', suspension_kept = suspended_reason,
    suspended_at = null, suspended_reason = null, deletion_asked_at = now(),
    deletion_reason = why, erase_after = now() + grace_s * interval '1 second'
  where id = wanted and id = app.tenant_strict() and status <> 'deleting';
  return found;
end $$;

-- Until the erasure has begun: a tenant is whole or gone.
create function app.restore_tenant(wanted uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  -- Held first: an erasure that is under way is waited for, and then seen.
  perform from tenant where id = wanted and id = app.tenant_strict() for update;
  if exists (select from tombstone where tombstone.tenant_id = app.tenant_strict()) then
    return false;
  end if;
  update tenant set
    status = case when suspension_kept is null then 'active' else 'suspended' end,
    suspended_at = case when suspension_kept is null then null else now() end,
    suspended_reason = suspension_kept, suspension_kept = null,
    deletion_asked_at = null, deletion_reason = null, erase_after = null
  where id = wanted and id = app.tenant_strict() and status = 'deleting';
  return found;
end $$;
alter function app.suspend_tenant owner to app_definer;
alter function app.lift_tenant owner to app_definer;
alter function app.delete_tenant owner to app_definer;
alter function app.restore_tenant owner to app_definer;
grant execute on function app.suspend_tenant, app.lift_tenant, app.delete_tenant,
  app.restore_tenant to web_tenant;

-- ---- the end ----
-- What stays of an erased tenant: its name and address, which nobody gets again; the public keys it
-- signed with; which credentials it issued and revoked, without whose; and the receipt.
create table tombstone (
  tenant_id      uuid primary key,
  slug           text not null unique,
  name           jsonb not null,
  default_locale text not null,
  created_at     timestamptz not null,
  erased_at      timestamptz,
  receipt        jsonb not null
);
select app.tenant_table('tombstone', 'select');
create table tombstone_key (
  tenant_id  uuid not null references tombstone (tenant_id),
  id         uuid not null,
  controller text not null,
  public_key text not null unique,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
select app.tenant_table('tombstone_key', 'select');
create table tombstone_credential (
  tenant_id  uuid not null references tombstone (tenant_id),
  id         uuid not null unique,
  issued_at  timestamptz not null,
  revoked_at timestamptz,
  primary key (tenant_id, id)
);
select app.tenant_table('tombstone_credential', 'select');
grant select, insert on tombstone, tombstone_key, tombstone_credential to app_definer;
grant update (erased_at, receipt) on tombstone to app_definer;

-- An erased tenant's address is never another's: its DID would speak for the new one.
create function app.slug_is_new() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (select from tombstone where tombstone.slug = new.slug) then
    raise exception 'the address was another''s' using errcode = 'unique_violation';
  end if;
  return null;
end $$;
alter function app.slug_is_new owner to app_definer;
create trigger slug_is_new after insert on tenant
  for each row execute function app.slug_is_new();

create function app.slug_is_free(wanted text) returns boolean
language sql security definer stable set search_path = pg_catalog, public as $$
  select not exists (select from tenant where tenant.slug = wanted)
    and not exists (select from tombstone where tombstone.slug = wanted)
$$;
alter function app.slug_is_free owner to app_definer;
grant execute on function app.slug_is_free to web_lookup;

-- What the erasure may remove: every table of tenants' rows, and those still to come.
create function app.let_erase(name text) returns void language plpgsql as $$
begin
  execute format('grant select (tenant_id, ctid), delete on public.%I to app_definer', name);
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
end $$;

-- Tables keyed by their tenant, those that others refer to last.
create function app.tables_to_erase() returns table (relation name, whole boolean)
language sql stable set search_path = pg_catalog, public as $$
  with recursive owned as (
    select class.oid, class.relname, class.relkind from pg_class class
    join pg_index on pg_index.indrelid = class.oid and pg_index.indisprimary
    join pg_attribute attribute
      on attribute.attrelid = class.oid and attribute.attnum = pg_index.indkey[0]
    where class.relnamespace = 'public'::regnamespace and class.relkind in ('r', 'p')
      and not class.relispartition and attribute.attname = 'tenant_id'
      and class.relname not like 'tombstone%'
  ), refers as (
    select distinct conrelid as child, confrelid as parent from pg_constraint
    where contype = 'f' and conrelid <> confrelid
  ), ranked(oid, place) as (
    select owned.oid, 0 from owned
    union
    select refers.parent, ranked.place + 1 from ranked join refers on refers.child = ranked.oid
    where ranked.place < 100
  )
  -- Whole where a part can't be taken alone: rows that refer to rows of the same table.
  select owned.relname, owned.relkind = 'p' or exists (
      select from pg_constraint where contype = 'f' and conrelid = owned.oid and confrelid = owned.oid
    )
  from owned join ranked using (oid)
  group by owned.oid, owned.relname, owned.relkind order by max(ranked.place), owned.relname
$$;
alter function app.tables_to_erase owner to app_definer;
select app.let_erase(relation::text) from app.tables_to_erase();
-- Tombstones stay whatever happens.
revoke delete on tombstone, tombstone_key, tombstone_credential from app_definer;

grant select (id, controller, created_at) on issuer_key to app_definer;
grant select (issued_at, revoked_at) on issued_credential to app_definer;
grant select (hash) on audit_head to app_definer;
grant select (person_id, id, tenant_id, purpose, until, withdrawn_at), update (withdrawn_at)
  on sharing to app_definer;
grant insert on person_event to app_definer;
grant delete on tenant to app_definer;

create function app.due_erasures(most integer) returns table (tenant_id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id from tenant t where t.status = 'deleting' and t.erase_after <= now()
  order by t.erase_after limit most
$$;

-- Erases up to `most` rows of a tenant whose time is over, and says of which tables; nothing left
-- is no row, and then the tenant itself is gone and its receipt complete.
create function app.erase_tenant(wanted uuid, most integer)
returns table (relation text, erased bigint)
language plpgsql security definer set search_path = pg_catalog, public as $$
declare one record; count_here bigint; left_over integer := most;
begin
  -- Waits for what still runs in the tenant; nothing new is bound to it.
  perform pg_advisory_xact_lock(app.tenant_lock(wanted));
  perform from tenant where id = wanted and status = 'deleting' and erase_after <= now() for update;
  if not found then
    raise exception 'no tenant that may be erased' using errcode = 'PT404';
  end if;
  insert into tombstone (tenant_id, slug, name, default_locale, created_at, receipt)
  select id, tenant.slug, tenant.name, tenant.default_locale, tenant.created_at,
    jsonb_build_object('asked_at', deletion_asked_at, 'reason', deletion_reason, 'rows', '{}'::jsonb,
      'record_length', h.position, 'record_hash', encode(h.hash, 'hex'))
  from tenant left join audit_head h on h.tenant_id = tenant.id where tenant.id = wanted
  on conflict do nothing;
  for one in select * from app.tables_to_erase() loop
    count_here := app.erase_rows(wanted, one.relation, case when one.whole then null else left_over end);
    if count_here > 0 then
      update tombstone set receipt = jsonb_set(receipt, array['rows', one.relation],
        to_jsonb(coalesce((receipt #>> array['rows', one.relation])::bigint, 0) + count_here))
      where tombstone.tenant_id = wanted;
      relation := one.relation;
      erased := count_here;
      return next;
      left_over := left_over - count_here;
      exit when left_over <= 0;
    end if;
  end loop;
  if left_over < most then
    return;
  end if;
  perform app.end_sharings(wanted);
  delete from tenant where id = wanted;
  update tombstone set erased_at = now(),
    receipt = receipt || jsonb_build_object('erased_at', now()) where tombstone.tenant_id = wanted;
end $$;

-- Part of erase_tenant. What outlives the rows moves to the tombstone in the same transaction.
create function app.erase_rows(wanted uuid, relation name, most integer) returns bigint
language plpgsql set search_path = pg_catalog, public as $$
declare
  erased bigint;
  gone text := format('delete from public.%I where tenant_id = $1', relation);
begin
  if most is not null then
    gone := gone || format(' and ctid = any (array('
      'select ctid from public.%I where tenant_id = $1 limit $2))', relation);
  end if;
  if relation = 'issuer_key' then
    gone := format('with gone as (%s returning tenant_id, id, controller, public_key, created_at) '
      'insert into tombstone_key select tenant_id, id, controller, public_key, created_at from gone',
      gone);
  elsif relation = 'issued_credential' then
    gone := format('with gone as (%s returning tenant_id, id, issued_at, revoked_at), kept as ('
      'insert into tombstone_credential select tenant_id, id, issued_at, revoked_at from gone '
      'where issued_at is not null) select from gone', gone);
  end if;
  execute gone using wanted, most;
  get diagnostics erased = row_count;
  return erased;
end $$;

-- Part of erase_tenant: nobody shares any more with who is gone, and each person's record says so.
create function app.end_sharings(wanted uuid) returns void
language sql set search_path = pg_catalog, public as $$
  with ended as (
    update sharing set withdrawn_at = now()
    where tenant_id = wanted and withdrawn_at is null and until > now()
    returning person_id, id, purpose
  )
  insert into person_event
    (person_id, id, name, payload, subject, tenant_id, actor_kind, actor_name, reason)
  select ended.person_id, uuidv7(), 'sharing.ended',
    jsonb_build_object('sharing_id', ended.id, 'tenant_id', wanted, 'purpose', ended.purpose),
    ended.id, wanted, 'system', 'organisations.erasure', 'The organisation was erased'
  from ended
$$;
alter function app.due_erasures owner to app_definer;
alter function app.erase_tenant owner to app_definer;
alter function app.erase_rows owner to app_definer;
alter function app.end_sharings owner to app_definer;
grant execute on function app.due_erasures, app.erase_tenant to worker_relay;
grant execute on function app.tenant_lock to worker_relay;

-- ---- look-ups that know about standing and tombstones ----
create or replace function app.tenant_directory()
returns table (id uuid, slug text, name jsonb)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug, t.name from tenant t where t.listed and t.status = 'active' order by t.slug
$$;

drop function app.tenant_by_slug(text);
create function app.tenant_by_slug(wanted text)
returns table (id uuid, slug text, name jsonb, default_locale text, status text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug, t.name, t.default_locale, t.status from tenant t where t.slug = wanted
$$;
alter function app.tenant_by_slug owner to app_definer;
grant execute on function app.tenant_by_slug to web_lookup;

-- Who held it may still be asked for by name: a person's page says with whom they shared.
create or replace function app.tenant_by_id(wanted uuid)
returns table (id uuid, slug text, name jsonb, default_locale text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug, t.name, t.default_locale from tenant t where t.id = wanted
  union all
  select t.tenant_id, t.slug, t.name, t.default_locale from tombstone t
  where t.tenant_id = wanted and t.erased_at is not null
$$;

-- Verifying outlives its issuer.
create or replace function app.tenant_by_credential(wanted uuid) returns uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select c.tenant_id from issued_credential c where c.id = wanted
  union all select c.tenant_id from tombstone_credential c where c.id = wanted limit 1
$$;

create or replace function app.tenant_by_issuer_key(wanted text) returns uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select k.tenant_id from issuer_key k where k.public_key = wanted
  union all select k.tenant_id from tombstone_key k where k.public_key = wanted limit 1
$$;

create function app.issuer_by_slug(wanted text) returns uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id from tenant t where t.slug = wanted
  union all select t.tenant_id from tombstone t where t.slug = wanted limit 1
$$;

-- Who keeps a credential of an erased issuer: its document is in their wallet alone.
create index wallet_credential_by_id on wallet_credential (id);
grant select (person_id, id) on wallet_credential to app_definer;
create function app.holder_of_erased_issuers(wanted uuid) returns uuid
language sql security definer stable set search_path = pg_catalog, public as $$
  select w.person_id from wallet_credential w join tombstone_credential c on c.id = w.id
  where w.id = wanted limit 1
$$;
alter function app.issuer_by_slug owner to app_definer;
alter function app.holder_of_erased_issuers owner to app_definer;
grant execute on function app.issuer_by_slug, app.holder_of_erased_issuers to web_lookup;

-- ---- the operator's list: addresses, standing and counts; nothing of what is inside ----
create function app.operator_tenants(
  wanted text, after text, wanted_status text, search text, most integer
) returns table (id uuid, slug text, name jsonb, default_locale text, status text, listed boolean,
  created_at timestamptz, suspended_at timestamptz, suspended_reason text,
  deletion_asked_at timestamptz, deletion_reason text, erase_after timestamptz, members bigint)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug, t.name, t.default_locale, t.status, t.listed, t.created_at, t.suspended_at,
    t.suspended_reason, t.deletion_asked_at, t.deletion_reason, t.erase_after,
    (select count(*) from member m where m.tenant_id = t.id)
  from tenant t
  where (wanted is null or t.slug = wanted) and t.slug > after and (wanted_status is null or t.status = wanted_status)
    and (search = '' or strpos(t.slug, lower(search)) > 0 or strpos(lower(t.name::text), lower(search)) > 0)
  order by t.slug limit most
$$;
create function app.operator_tombstone(wanted text)
returns table (tenant_id uuid, slug text, name jsonb, created_at timestamptz,
  erased_at timestamptz, receipt jsonb)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.tenant_id, t.slug, t.name, t.created_at, t.erased_at, t.receipt
  from tombstone t where t.slug = wanted
$$;
alter function app.operator_tenants owner to app_definer;
alter function app.operator_tombstone owner to app_definer;
grant execute on function app.operator_tenants, app.operator_tombstone to web_lookup;
