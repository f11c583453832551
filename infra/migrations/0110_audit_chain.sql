-- The audit record's chain: each event of an organisation, hashed with the one before it, in the
-- order in which events came to be seen. tenants/audit/README.md says the format.

-- What waits to be chained: the outbox's side of the chain, written by a trigger in the transaction
-- of the event itself, so that an event that commits late is chained late and never missed.
create table audit_pending (
  tenant_id uuid not null,
  event_id  uuid not null,
  primary key (tenant_id, event_id)
);

create table audit_link (
  tenant_id     uuid not null,
  position      bigint not null check (position > 0),
  event_id      uuid not null,
  chained_at    timestamptz not null,
  previous_hash bytea not null check (octet_length(previous_hash) = 32),
  body_hash     bytea not null check (octet_length(body_hash) = 32),
  hash          bytea not null check (octet_length(hash) = 32),
  primary key (tenant_id, position),
  unique (tenant_id, event_id),
  foreign key (tenant_id, event_id) references tenant_event (tenant_id, id)
);

create table audit_head (
  tenant_id  uuid primary key,
  position   bigint not null,
  hash       bytea not null check (octet_length(hash) = 32),
  chained_at timestamptz not null
);

-- Which heads were written down elsewhere, so that each is written once and the page can say so.
-- What counts when the chain is verified is what stands there, not here.
create table audit_anchor (
  tenant_id   uuid not null,
  place       text not null check (place in ('directory', 'operator_mailbox', 'mailbox')),
  position    bigint not null,
  hash        bytea not null check (octet_length(hash) = 32),
  anchored_at timestamptz not null default now(),
  primary key (tenant_id, place, position)
);

-- Each time someone had the chain verified, and what was found.
create table audit_check (
  tenant_id     uuid not null,
  id            uuid not null,
  asked_at      timestamptz not null default now(),
  asked_by      uuid,
  asked_by_name text not null,
  checked       bigint not null default 0,
  total         bigint not null default 0,
  finished_at   timestamptz,
  verdict       jsonb,
  primary key (tenant_id, id),
  check ((finished_at is null) = (verdict is null))
);
select app.tenant_table('audit_check', 'select, insert');
grant update (checked, total, finished_at, verdict) on audit_check to worker_tenant;

-- The keeper appends: it can neither change nor remove a link.
create function app.keeper_table(name text, privileges text) returns void language plpgsql as $$
begin
  execute format('create policy of_keeper on public.%I to audit_keeper '
    'using (tenant_id = (select app.tenant_strict())) '
    'with check (tenant_id = (select app.tenant_strict()))', name);
  execute format('grant %s on public.%I to audit_keeper', privileges, name);
end $$;
select app.tenant_table('audit_pending', 'select'), app.keeper_table('audit_pending', 'select, delete');
select app.tenant_table('audit_link', 'select'), app.keeper_table('audit_link', 'select, insert');
select app.tenant_table('audit_head', 'select'), app.keeper_table('audit_head', 'select, insert');
grant update (position, hash, chained_at) on audit_head to audit_keeper;
select app.tenant_table('audit_anchor', 'select'), app.keeper_table('audit_anchor', 'select, insert');

create function app.audit_enqueue() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into audit_pending (tenant_id, event_id) select fresh.tenant_id, fresh.id from fresh;
  return null;
end $$;
grant insert, select on audit_pending to app_definer;
alter function app.audit_enqueue owner to app_definer;
create trigger audit_enqueue after insert on tenant_event
  referencing new table as fresh for each statement execute function app.audit_enqueue();

-- What is on record already is chained as well; the owner is forced under the policies too.
alter table tenant_event no force row level security;
alter table audit_pending no force row level security;
insert into audit_pending (tenant_id, event_id) select tenant_id, id from tenant_event;
alter table tenant_event force row level security;
alter table audit_pending force row level security;

-- Organisations with something to chain, in the order of their ids, after `last`.
create function app.audit_waiting(last uuid, most integer) returns table (tenant_id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  with recursive waiting as (
    (select p.tenant_id from audit_pending p
     where p.tenant_id > last order by p.tenant_id limit 1)
    union all
    select (select p.tenant_id from audit_pending p
            where p.tenant_id > w.tenant_id order by p.tenant_id limit 1)
    from waiting w where w.tenant_id is not null
  )
  select w.tenant_id from waiting w where w.tenant_id is not null limit most
$$;

-- Organisations whose head has moved since it was last written down in `wanted_place`, and was not
-- written down there for `every_s` seconds. An organisation's own mailbox is a setting of its own.
create function app.audit_unanchored(
  wanted_place text, every_s integer, last uuid, most integer
) returns table (tenant_id uuid, slug text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select h.tenant_id, t.slug from audit_head h join tenant t on t.id = h.tenant_id
  left join lateral (
    select a.position, a.anchored_at from audit_anchor a
    where a.tenant_id = h.tenant_id and a.place = wanted_place order by a.position desc limit 1
  ) latest on true
  where h.tenant_id > last and h.position > coalesce(latest.position, 0)
    and (latest.anchored_at is null
      or latest.anchored_at <= now() - every_s * interval '1 second')
    and (wanted_place <> 'mailbox' or exists (
      select 1 from tenant_setting s
      where s.tenant_id = h.tenant_id and s.name = 'audit' and s.value ->> 'mailbox' <> ''))
  order by h.tenant_id limit most
$$;

-- Every organisation, for the operator's verification.
create function app.audit_tenants(last uuid, most integer) returns table (tenant_id uuid, slug text)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id, t.slug from tenant t where t.id > last order by t.id limit most
$$;

grant select (tenant_id, position) on audit_head to app_definer;
grant select (tenant_id, name, value) on tenant_setting to app_definer;
grant select (tenant_id, place, position, anchored_at) on audit_anchor to app_definer;
alter function app.audit_waiting owner to app_definer;
alter function app.audit_unanchored owner to app_definer;
alter function app.audit_tenants owner to app_definer;
grant execute on function app.audit_waiting, app.audit_unanchored, app.audit_tenants
  to worker_relay;

-- The page's ways into the record: in order of time, and by what, who and subject.
create index tenant_event_of_time on tenant_event (tenant_id, occurred_at, id);
create index tenant_event_of_name on tenant_event (tenant_id, name, occurred_at, id);
create index tenant_event_of_actor
  on tenant_event (tenant_id, actor_person_id, occurred_at, id);
drop index tenant_event_of_subject;
create index tenant_event_of_subject on tenant_event (tenant_id, subject, occurred_at, id);
