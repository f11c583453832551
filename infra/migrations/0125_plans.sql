-- What an organisation may use, and the closed statements of what it used.

-- The limits that hold. Without a row the usual plan holds (tenants.plans.model). Only the function
-- below writes one.
create table tenant_plan (
  tenant_id                  uuid primary key references tenant (id),
  name                       text not null check (name ~ '^[a-z][a-z0-9-]{1,30}$'),
  seats                      integer not null check (seats > 0),
  storage_bytes              bigint not null check (storage_bytes > 0),
  requests_per_s             integer not null check (requests_per_s > 0),
  training_minutes_per_month integer not null check (training_minutes_per_month >= 0),
  changed_at                 timestamptz not null default now(),
  changed_by                 text not null
);
select app.tenant_table('tenant_plan', 'select');

-- Sets the plan of the tenant that is bound; of another, nothing.
create function app.set_plan(
  bound uuid, new_name text, new_seats integer, new_storage_bytes bigint, new_requests_per_s integer,
  new_training_minutes_per_month integer, new_changed_by text
) returns void
language sql security definer set search_path = pg_catalog, public as $$
  insert into tenant_plan (tenant_id, name, seats, storage_bytes, requests_per_s,
    training_minutes_per_month, changed_by)
  select bound, new_name, new_seats, new_storage_bytes, new_requests_per_s,
    new_training_minutes_per_month, new_changed_by
  where bound = app.tenant_strict()
  on conflict (tenant_id) do update set
    name = excluded.name, seats = excluded.seats, storage_bytes = excluded.storage_bytes,
    requests_per_s = excluded.requests_per_s,
    training_minutes_per_month = excluded.training_minutes_per_month,
    changed_by = excluded.changed_by, changed_at = now()
$$;
grant select, insert, update on tenant_plan to app_definer;
grant execute on function app.tenant_strict to app_definer;
alter function app.set_plan owner to app_definer;
grant execute on function app.set_plan to web_tenant;

-- A month's usage as it stood when it was closed: what retention or erasure removes later changes
-- no figure that was stated.
create table usage_statement (
  tenant_id uuid not null references tenant (id),
  month     date not null check (extract(day from month) = 1),
  lines     jsonb not null,
  closed_at timestamptz not null default now(),
  primary key (tenant_id, month)
);
select app.tenant_table('usage_statement', 'select, insert');

-- Months that are over and not closed yet, of organisations that existed in them, oldest first.
grant select (created_at) on tenant to app_definer;
grant select (tenant_id, month) on usage_statement to app_definer;
create function app.statements_due(over_at timestamptz, most integer)
returns table (tenant_id uuid, month date)
language sql security definer stable set search_path = pg_catalog, public as $$
  with past as (
    select (date_trunc('month', over_at at time zone 'UTC') - back * interval '1 month')::date as month
    from generate_series(1, 12) as back
  )
  select tenant.id, past.month from past
  join tenant on tenant.created_at < (past.month + interval '1 month') at time zone 'UTC'
  where tenant.status <> 'deleting' and not exists (
    select 1 from usage_statement
    where usage_statement.tenant_id = tenant.id and usage_statement.month = past.month
  )
  order by past.month, tenant.id limit most
$$;
alter function app.statements_due owner to app_definer;
grant execute on function app.statements_due to web_lookup;
