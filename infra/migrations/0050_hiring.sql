-- What a person says of themselves: theirs, readable where they share for hiring, never scored.
create table profile (
  person_id  uuid primary key references person (person_id) on delete cascade,
  headline   text not null default '' check (char_length(headline) <= 160),
  about      text not null default '' check (char_length(about) <= 4000),
  locale     text not null check (locale in ('en', 'fr', 'ar')),
  updated_at timestamptz not null default now()
);
select app.person_table('profile');
grant select on profile to web_tenant;
create policy profile_shared_for_hiring on profile for select to web_tenant using (
  exists (
    select from sharing
    where sharing.person_id = profile.person_id
      and sharing.tenant_id = (select app.tenant_strict())
      and sharing.purpose = 'hiring'
      and sharing.withdrawn_at is null
      and sharing.until > now()
  )
);

create table pipeline (
  tenant_id uuid not null references tenant (id),
  id        uuid not null default uuidv7(),
  name      jsonb not null,
  primary key (tenant_id, id)
);
select app.tenant_table('pipeline');

create table stage (
  tenant_id   uuid not null,
  id          uuid not null default uuidv7(),
  pipeline_id uuid not null,
  position    smallint not null check (position between 1 and 12),
  name        jsonb not null,
  names_shown boolean not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, pipeline_id) references pipeline,
  unique (tenant_id, pipeline_id, position),
  unique (tenant_id, pipeline_id, id)
);
select app.tenant_table('stage');

-- The last number given in a year: 2026-118 follows 2026-117.
create table requisition_counter (
  tenant_id   uuid not null references tenant (id),
  year        smallint not null,
  last_number integer not null check (last_number > 0),
  primary key (tenant_id, year)
);
select app.tenant_table('requisition_counter');

create table requisition (
  tenant_id   uuid not null,
  id          uuid not null default uuidv7(),
  number      text not null,
  title       jsonb not null,
  -- Number, titles, unit and place, folded: what the list's search looks in.
  folded      text not null,
  unit        text not null default '' check (char_length(unit) <= 200),
  place       text not null default '' check (char_length(place) <= 200),
  posts       integer not null check (posts between 1 and 1000),
  closes_on   date,
  status      text not null default 'open' check (status in ('open', 'closed')),
  pipeline_id uuid not null,
  -- The secret of the codes that stand for people while names are hidden.
  code_key    uuid not null default gen_random_uuid(),
  created_at  timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, pipeline_id) references pipeline,
  unique (tenant_id, number),
  unique (tenant_id, id, pipeline_id)
);
select app.tenant_table('requisition');

create table requirement (
  tenant_id      uuid not null,
  requisition_id uuid not null,
  skill_id       uuid not null references skill (id),
  position       smallint not null check (position between 1 and 40),
  weight         real not null check (weight > 0 and weight <= 1),
  level          smallint not null check (level between 1 and 4),
  desired        boolean not null default false,
  primary key (tenant_id, requisition_id, skill_id),
  foreign key (tenant_id, requisition_id) references requisition
);
select app.tenant_table('requirement');

-- Where a person stands in a requisition. The stage is one of the requisition's own pipeline.
create table application (
  tenant_id      uuid not null,
  id             uuid not null default uuidv7(),
  requisition_id uuid not null,
  person_id      uuid not null,
  pipeline_id    uuid not null,
  stage_id       uuid not null,
  created_at     timestamptz not null default now(),
  moved_at       timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, requisition_id, pipeline_id)
    references requisition (tenant_id, id, pipeline_id),
  foreign key (tenant_id, pipeline_id, stage_id) references stage (tenant_id, pipeline_id, id),
  unique (tenant_id, requisition_id, person_id)
);
select app.tenant_table('application', 'select, insert, update');
-- Nobody is taken into a pipeline who doesn't share with the organisation, whatever the code does.
create policy application_of_a_sharing_person on application as restrictive for insert to web_tenant
with check (
  exists (
    select from sharing
    where sharing.person_id = application.person_id
      and sharing.tenant_id = (select app.tenant_strict())
      and sharing.purpose = 'hiring'
      and sharing.withdrawn_at is null
      and sharing.until > now()
  )
);

-- What a named person decided, and why. Written once: no statement of the application changes it.
create table decision (
  tenant_id       uuid not null,
  id              uuid not null default uuidv7(),
  application_id  uuid not null,
  from_stage      uuid not null,
  to_stage        uuid not null,
  decided_by      uuid not null,
  decided_by_name text not null check (decided_by_name <> ''),
  reason          text not null check (char_length(reason) between 10 and 2000),
  -- Taken while the application's row is held: of two decisions that wait for each other, the
  -- second has the later time, whichever transaction began first.
  decided_at      timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id),
  foreign key (tenant_id, application_id) references application,
  foreign key (tenant_id, from_stage) references stage,
  foreign key (tenant_id, to_stage) references stage,
  check (from_stage <> to_stage)
);
select app.tenant_table('decision', 'select, insert');
create index decision_of_application on decision (tenant_id, application_id, decided_at desc);
