-- A plan suits any tenant: one that has just brought 20,000 rows as well as one the statistics know.
-- Where they listed every tenant that had rows, a newer one was planned for as if it had none, and
-- its rows were joined by loops within loops: a minute's wait for what takes milliseconds. Without
-- statistics of tenant_id each tenant counts as a two-hundredth of the table as it stands now.

-- Of a table that names a tenant, whoever its rows belong to.
create function app.plan_for_any_tenant(name text) returns void language plpgsql as $$
begin
  execute format('alter table public.%I alter column tenant_id set statistics 0', name);
  perform pg_clear_attribute_stats('public', name, 'tenant_id', false);
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
  perform app.plan_for_any_tenant(name);
end $$;

select app.plan_for_any_tenant(class.relname::text) from pg_class class
join pg_attribute attribute on attribute.attrelid = class.oid
where class.relnamespace = 'public'::regnamespace and class.relkind = 'r'
  and attribute.attname = 'tenant_id' and not attribute.attisdropped;
