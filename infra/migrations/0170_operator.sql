-- What the operator does to organisations is a database role's of its own: a connection of an
-- organisation, however it is bound, can change neither its plan nor its standing, nor list others.
-- infra.database creates web_operator.

grant usage on schema app, public to web_operator;
grant execute on function app.tenant_strict to web_operator;

revoke execute on function app.suspend_tenant, app.lift_tenant, app.delete_tenant,
  app.restore_tenant from web_tenant;
revoke execute on function app.operator_tenants, app.operator_tombstone from web_lookup;
grant execute on function app.suspend_tenant, app.lift_tenant, app.delete_tenant,
  app.restore_tenant, app.operator_tenants, app.operator_tombstone to web_operator;

-- Sets the plan of the tenant that is bound, and answers the one that held: none, the usual one. Of
-- another tenant, nothing.
drop function app.set_plan(uuid, text, integer, bigint, integer, integer, text);
create function app.set_plan(
  bound uuid, new_name text, new_seats integer, new_storage_bytes bigint, new_requests_per_s integer,
  new_training_minutes_per_month integer, new_changed_by text
) returns table (name text, seats integer, storage_bytes bigint, requests_per_s integer,
  training_minutes_per_month integer)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  return query select held.name, held.seats, held.storage_bytes, held.requests_per_s,
    held.training_minutes_per_month
  from tenant_plan held where held.tenant_id = bound and bound = app.tenant_strict() for update;
  insert into tenant_plan as held (tenant_id, name, seats, storage_bytes, requests_per_s,
    training_minutes_per_month, changed_by)
  select bound, new_name, new_seats, new_storage_bytes, new_requests_per_s,
    new_training_minutes_per_month, new_changed_by
  where bound = app.tenant_strict()
  on conflict (tenant_id) do update set
    name = excluded.name, seats = excluded.seats, storage_bytes = excluded.storage_bytes,
    requests_per_s = excluded.requests_per_s,
    training_minutes_per_month = excluded.training_minutes_per_month,
    changed_by = excluded.changed_by, changed_at = now();
end $$;
alter function app.set_plan owner to app_definer;
grant execute on function app.set_plan to web_operator;

-- Each of these goes on the record of the organisation, in the same transaction: no other event,
-- none by anybody else, and none can be read.
create policy of_operator on tenant_event for insert to web_operator with check (
  tenant_id = (select app.tenant_strict()) and actor_kind = 'system' and actor_person_id is null
  and name in ('tenant.suspended', 'tenant.lifted', 'tenant.deletion_asked', 'tenant.restored',
    'plan.changed')
);
grant insert (tenant_id, id, name, payload, subject, person_id, actor_kind, actor_person_id,
  actor_name, before, reason, request_id, origin, source_address) on tenant_event to web_operator;
