-- Bindings, the walls' helpers, events and their deliveries.
-- Roles exist already (infra.database creates them): passerelle_owner owns every table; web_tenant,
-- web_person, web_lookup and worker_relay sign in; app_definer owns the look-up functions.

create schema app;
alter default privileges for role passerelle_owner revoke execute on functions from public;
grant create on schema app to app_definer;
grant usage on schema app to web_tenant, web_person, web_lookup, worker_relay, app_definer;
revoke create on schema public from public;
grant usage on schema public to web_tenant, web_person, web_lookup, worker_relay, app_definer;

-- The bound tenant. Raises when none is bound: after a transaction the setting is '', not absent.
create function app.tenant_strict() returns uuid language plpgsql stable parallel safe
set search_path = pg_catalog as $$
declare bound text := current_setting('app.tenant', true);
begin
  if bound is null or bound = '' then
    raise exception 'no tenant is bound' using errcode = '42501';
  end if;
  return bound::uuid;
end $$;

create function app.person_strict() returns uuid language plpgsql stable parallel safe
set search_path = pg_catalog as $$
declare bound text := current_setting('app.person', true);
begin
  if bound is null or bound = '' then
    raise exception 'no person is bound' using errcode = '42501';
  end if;
  return bound::uuid;
end $$;

-- A table of a tenant's rows: forced row-level security for web_tenant, nothing for anyone else.
create function app.tenant_table(name text, privileges text default 'select, insert, update, delete')
returns void language plpgsql as $$
begin
  execute format('alter table public.%I enable row level security', name);
  execute format('alter table public.%I force row level security', name);
  execute format('create policy of_tenant on public.%I to web_tenant '
    'using (tenant_id = (select app.tenant_strict())) '
    'with check (tenant_id = (select app.tenant_strict()))', name);
  execute format('grant %s on public.%I to web_tenant', privileges, name);
end $$;

create function app.person_table(name text, privileges text default 'select, insert, update, delete')
returns void language plpgsql as $$
begin
  execute format('alter table public.%I enable row level security', name);
  execute format('alter table public.%I force row level security', name);
  execute format('create policy of_person on public.%I to web_person '
    'using (person_id = (select app.person_strict())) '
    'with check (person_id = (select app.person_strict()))', name);
  execute format('grant %s on public.%I to web_person', privileges, name);
end $$;

-- Reference data (a taxonomy, model versions): no one's rows, read by both bindings.
create function app.reference_table(name text) returns void language plpgsql as $$
begin
  execute format('grant select on public.%I to web_tenant, web_person', name);
end $$;

create table tenant_event (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  payload jsonb not null,
  subject uuid,
  person_id uuid,
  actor_kind text not null,
  actor_person_id uuid,
  actor_name text not null,
  before jsonb,
  reason text,
  request_id text,
  occurred_at timestamptz not null default now(),
  dispatched boolean not null default false,
  primary key (tenant_id, id)
);
create index tenant_event_fresh on tenant_event (id) where not dispatched;
create index tenant_event_of_subject on tenant_event (tenant_id, subject);
-- Append-only: the application can neither change nor remove what is on record.
select app.tenant_table('tenant_event', 'select, insert');

create table person_event (
  person_id uuid not null,
  id uuid not null,
  name text not null,
  payload jsonb not null,
  subject uuid,
  tenant_id uuid,
  actor_kind text not null,
  actor_person_id uuid,
  actor_name text not null,
  before jsonb,
  reason text,
  request_id text,
  occurred_at timestamptz not null default now(),
  dispatched boolean not null default false,
  primary key (person_id, id)
);
create index person_event_fresh on person_event (id) where not dispatched;
select app.person_table('person_event', 'select, insert');

create table tenant_delivery (
  tenant_id uuid not null,
  event_id uuid not null,
  listener text not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  done_at timestamptz,
  dead_at timestamptz,
  last_error text,
  primary key (tenant_id, event_id, listener),
  foreign key (tenant_id, event_id) references tenant_event (tenant_id, id)
);
create index tenant_delivery_due on tenant_delivery (next_attempt_at)
  where done_at is null and dead_at is null;
select app.tenant_table('tenant_delivery', 'select, update');

create table person_delivery (
  person_id uuid not null,
  event_id uuid not null,
  listener text not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  done_at timestamptz,
  dead_at timestamptz,
  last_error text,
  primary key (person_id, event_id, listener),
  foreign key (person_id, event_id) references person_event (person_id, id)
);
create index person_delivery_due on person_delivery (next_attempt_at)
  where done_at is null and dead_at is null;
select app.person_table('person_delivery', 'select, update');

-- The relay sees identifiers, names and clocks; never a payload.
grant select (tenant_id, id, name, dispatched), update (dispatched) on tenant_event to app_definer;
grant select (person_id, id, name, dispatched), update (dispatched) on person_event to app_definer;
grant insert (tenant_id, event_id, listener),
  select (tenant_id, event_id, listener, attempts, next_attempt_at, done_at, dead_at, last_error),
  update (attempts, next_attempt_at, dead_at) on tenant_delivery to app_definer;
grant insert (person_id, event_id, listener),
  select (person_id, event_id, listener, attempts, next_attempt_at, done_at, dead_at, last_error),
  update (attempts, next_attempt_at, dead_at) on person_delivery to app_definer;

create function app.relay_claim(
  event_names text[], listeners text[], leases_s integer[], batch integer, attempt_limit integer
) returns table (scope text, owner_id uuid, event_id uuid, listener text)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  with fresh as (
    select e.tenant_id, e.id, e.name from tenant_event e where not e.dispatched
    order by e.id limit batch for update skip locked
  ), marked as (
    update tenant_event e set dispatched = true from fresh
    where e.tenant_id = fresh.tenant_id and e.id = fresh.id
  )
  insert into tenant_delivery (tenant_id, event_id, listener)
  select fresh.tenant_id, fresh.id, known.listener
  from fresh join unnest(event_names, listeners) as known(name, listener) using (name)
  on conflict do nothing;

  with fresh as (
    select e.person_id, e.id, e.name from person_event e where not e.dispatched
    order by e.id limit batch for update skip locked
  ), marked as (
    update person_event e set dispatched = true from fresh
    where e.person_id = fresh.person_id and e.id = fresh.id
  )
  insert into person_delivery (person_id, event_id, listener)
  select fresh.person_id, fresh.id, known.listener
  from fresh join unnest(event_names, listeners) as known(name, listener) using (name)
  on conflict do nothing;

  return query
  with due as (
    select d.tenant_id, d.event_id, d.listener, known.lease_s
    from tenant_delivery d
    join unnest(listeners, leases_s) as known(listener, lease_s) on known.listener = d.listener
    where d.done_at is null and d.dead_at is null and d.next_attempt_at <= now()
    order by d.next_attempt_at limit batch for update of d skip locked
  ), claimed as (
    update tenant_delivery d set
      attempts = d.attempts + 1,
      dead_at = case when d.attempts >= attempt_limit then now() end,
      next_attempt_at =
        now() + least(due.lease_s * power(2, least(d.attempts, 12)), 3600) * interval '1 second'
    from due where (d.tenant_id, d.event_id, d.listener) = (due.tenant_id, due.event_id, due.listener)
    returning d.tenant_id, d.event_id, d.listener, d.dead_at
  )
  select 'tenant', c.tenant_id, c.event_id, c.listener from claimed c where c.dead_at is null;

  return query
  with due as (
    select d.person_id, d.event_id, d.listener, known.lease_s
    from person_delivery d
    join unnest(listeners, leases_s) as known(listener, lease_s) on known.listener = d.listener
    where d.done_at is null and d.dead_at is null and d.next_attempt_at <= now()
    order by d.next_attempt_at limit batch for update of d skip locked
  ), claimed as (
    update person_delivery d set
      attempts = d.attempts + 1,
      dead_at = case when d.attempts >= attempt_limit then now() end,
      next_attempt_at =
        now() + least(due.lease_s * power(2, least(d.attempts, 12)), 3600) * interval '1 second'
    from due where (d.person_id, d.event_id, d.listener) = (due.person_id, due.event_id, due.listener)
    returning d.person_id, d.event_id, d.listener, d.dead_at
  )
  select 'person', c.person_id, c.event_id, c.listener from claimed c where c.dead_at is null;
end $$;

-- What the operator sees of the outbox: counts and identifiers.
create function app.outbox_state()
returns table (waiting bigint, dead bigint, oldest_waiting_s double precision)
language sql security definer stable set search_path = pg_catalog, public as $$
  select count(*) filter (where dead_at is null), count(*) filter (where dead_at is not null),
    coalesce(extract(epoch from now() - min(next_attempt_at) filter (where dead_at is null)), 0)::float8
  from (
    select next_attempt_at, dead_at from tenant_delivery where done_at is null
    union all select next_attempt_at, dead_at from person_delivery where done_at is null
  ) as open_delivery
$$;

create function app.dead_deliveries(most integer)
returns table (scope text, owner_id uuid, event_id uuid, listener text, attempts integer,
  dead_at timestamptz, last_error text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select * from (
    select 'tenant', tenant_id, event_id, listener, attempts, dead_at, last_error
      from tenant_delivery where dead_at is not null and done_at is null
    union all
    select 'person', person_id, event_id, listener, attempts, dead_at, last_error
      from person_delivery where dead_at is not null and done_at is null
  ) as dead order by 6 limit most
$$;

create function app.replay_dead_deliveries() returns bigint
language sql security definer set search_path = pg_catalog, public as $$
  with of_tenants as (
    update tenant_delivery set dead_at = null, attempts = 0, next_attempt_at = now()
    where dead_at is not null and done_at is null returning 1
  ), of_persons as (
    update person_delivery set dead_at = null, attempts = 0, next_attempt_at = now()
    where dead_at is not null and done_at is null returning 1
  )
  select (select count(*) from of_tenants) + (select count(*) from of_persons)
$$;

alter function app.relay_claim owner to app_definer;
alter function app.outbox_state owner to app_definer;
alter function app.dead_deliveries owner to app_definer;
alter function app.replay_dead_deliveries owner to app_definer;
grant execute on function app.tenant_strict to web_tenant;
grant execute on function app.person_strict to web_person;
grant execute on function app.relay_claim, app.outbox_state, app.dead_deliveries,
  app.replay_dead_deliveries to worker_relay;
