-- Model versions, the vectors of their skills, and the candidates' vectors in each organisation.

-- One row a trained model. At most one serves; towers and vectors switch together.
create table model_version (
  id              uuid primary key default uuidv7(),
  number          integer not null generated always as identity unique,
  status          text not null check (status in ('ready', 'served', 'retired')),
  -- The event that asked for it: asking twice trains once.
  requested_by    uuid unique,
  data_hash       text not null,
  code_hash       text not null,
  settings        jsonb not null,
  metrics         jsonb not null,
  skills          integer not null check (skills > 0),
  artefact        text not null,
  artefact_sha256 text not null,
  created_at      timestamptz not null default now(),
  served_at       timestamptz
);
create unique index model_version_served on model_version (status) where status = 'served';
select app.reference_table('model_version');

create table skill_vector (
  model_version  uuid not null references model_version (id) on delete cascade,
  skill_id       uuid not null references skill (id) on delete cascade,
  as_evidence    vector(96) not null,
  as_requirement vector(96) not null,
  primary key (model_version, skill_id)
);
select app.reference_table('skill_vector');

-- The training task writes them, and reads what it trains on: no one's rows.
grant select, insert, update, delete on model_version, skill_vector to worker_relay;
grant select on taxonomy, skill, skill_label, occupation, occupation_skill to worker_relay;

-- What a person who shares has proven, as one vector of unit length. A projection: the transaction
-- that withdraws the sharing deletes it.
create table candidate_vector (
  tenant_id      uuid not null references tenant (id),
  model_version  uuid not null references model_version (id) on delete cascade,
  person_id      uuid not null,
  embedding      vector(96) not null,
  evidence_count integer not null check (evidence_count > 0),
  updated_at     timestamptz not null default now(),
  primary key (tenant_id, model_version, person_id)
);
create index candidate_vector_of_person on candidate_vector (person_id);
select app.tenant_table('candidate_vector');

-- Nothing of a person who doesn't share, or no longer: neither read nor written.
create policy candidate_vector_shared on candidate_vector as restrictive for all to web_tenant
using (
  person_id in (
    select sharing.person_id from sharing
    where sharing.tenant_id = (select app.tenant_strict())
      and sharing.purpose = 'hiring'
      and sharing.withdrawn_at is null
      and sharing.until > now()
  )
)
with check (
  person_id in (
    select sharing.person_id from sharing
    where sharing.tenant_id = (select app.tenant_strict())
      and sharing.purpose = 'hiring'
      and sharing.withdrawn_at is null
      and sharing.until > now()
  )
);

-- The person deletes their own.
grant select (tenant_id, person_id), delete on candidate_vector to web_person;
create policy candidate_vector_seen_by_person on candidate_vector for select to web_person
  using (person_id = (select app.person_strict()));
create policy candidate_vector_deleted_by_person on candidate_vector for delete to web_person
  using (person_id = (select app.person_strict()));

-- A new model's vectors are made organisation by organisation: their identifiers, for the worker.
create function app.every_tenant() returns table (id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  select t.id from tenant t order by t.id
$$;
alter function app.every_tenant owner to app_definer;
grant execute on function app.every_tenant to worker_relay;
