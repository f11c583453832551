-- A tenant's standing, where events came from, settings; and a database role for each kind of work.
-- infra.database creates the roles: worker_tenant and worker_person inherit web_tenant and
-- web_person; live_exam inherits web_tenant; audit_keeper inherits nothing.

alter table tenant
  add column status text not null default 'active'
    check (status in ('active', 'suspended', 'deleting')),
  add column suspended_at timestamptz,
  add column suspended_reason text,
  add check ((status = 'suspended') = (suspended_at is not null));

alter table tenant_event add column origin text, add column source_address text;
alter table person_event add column origin text, add column source_address text;

-- Binds a tenant in good standing, and no other. Row-level policies compare with what is bound, so
-- that who goes round this function still sees one tenant's rows only.
create function app.bind_tenant(wanted uuid) returns text
language plpgsql security definer set search_path = pg_catalog, public as $$
declare standing text;
begin
  select tenant.status into standing from tenant where tenant.id = wanted;
  if standing is null or standing = 'deleting' then
    raise exception 'no such tenant' using errcode = 'PT404';
  elsif standing = 'suspended' then
    raise exception 'the tenant is suspended' using errcode = 'PT403';
  end if;
  return set_config('app.tenant', wanted::text, true);
end $$;
grant select (status) on tenant to app_definer;
alter function app.bind_tenant owner to app_definer;
grant execute on function app.bind_tenant to web_tenant, audit_keeper;

grant usage on schema app, public to worker_tenant, worker_person, live_exam, audit_keeper;
grant execute on function app.tenant_strict to worker_tenant, live_exam, audit_keeper;
grant execute on function app.person_strict to worker_person;

-- Only the worker marks a delivery.
revoke update on tenant_delivery from web_tenant;
revoke update on person_delivery from web_person;
grant update on tenant_delivery to worker_tenant;
grant update on person_delivery to worker_person;

-- The keeper of the audit record reads every event of the tenant it is bound to, and nothing else.
create policy of_keeper on tenant_event for select to audit_keeper
  using (tenant_id = (select app.tenant_strict()));
grant select on tenant_event to audit_keeper;

-- A setting of an organisation, by the name its room gave it; its history is in the events.
create table tenant_setting (
  tenant_id  uuid not null references tenant (id),
  name       text not null,
  value      jsonb not null,
  version    integer not null default 1,
  changed_at timestamptz not null default now(),
  changed_by text not null,
  primary key (tenant_id, name)
);
select app.tenant_table('tenant_setting');

-- The last result of a setting's test.
create table tenant_setting_test (
  tenant_id uuid not null references tenant (id),
  name      text not null,
  ran_at    timestamptz not null default now(),
  ran_by    text not null,
  ok        boolean not null,
  detail    text not null,
  primary key (tenant_id, name)
);
select app.tenant_table('tenant_setting_test');
