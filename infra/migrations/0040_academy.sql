-- Certification paths, their levels and modules, study items, enrolments and study progress.

create table path (
  tenant_id  uuid not null references tenant (id),
  id         uuid not null default uuidv7(),
  code       text not null check (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  name       jsonb not null,
  summary    jsonb not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, code)
);
select app.tenant_table('path');

-- A level without an exam is announced, and not yet open.
create table level (
  tenant_id      uuid not null,
  id             uuid not null default uuidv7(),
  path_id        uuid not null,
  position       smallint not null check (position between 1 and 20),
  code           text not null check (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  name           jsonb not null,
  summary        jsonb not null,
  achievement_id uuid,
  form_id        uuid,
  primary key (tenant_id, id),
  unique (tenant_id, code),
  unique (tenant_id, path_id, position),
  foreign key (tenant_id, path_id) references path,
  foreign key (tenant_id, achievement_id) references achievement (tenant_id, id),
  foreign key (tenant_id, form_id) references exam_form
);
select app.tenant_table('level');

create table module (
  tenant_id uuid not null,
  id        uuid not null default uuidv7(),
  level_id  uuid not null,
  position  smallint not null check (position between 1 and 50),
  code      text not null check (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  title     jsonb not null,
  summary   jsonb not null,
  minutes   smallint not null check (minutes between 1 and 600),
  primary key (tenant_id, id),
  unique (tenant_id, code),
  foreign key (tenant_id, level_id) references level
);
create index module_of_level on module (tenant_id, level_id, position);
select app.tenant_table('module');

-- Questions to learn from, with the reason for the answer. Live items are the exams room's.
create table study_item (
  tenant_id uuid not null,
  id        uuid not null default uuidv7(),
  module_id uuid not null,
  position  smallint not null check (position between 1 and 500),
  code      text not null check (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  skill_id  uuid not null references skill (id),
  stem      jsonb not null,
  -- At most eight, A to H.
  options   jsonb not null,
  -- The place of the right option, from 0.
  key       smallint not null check (key between 0 and 7),
  rationale jsonb not null,
  primary key (tenant_id, id),
  unique (tenant_id, code),
  foreign key (tenant_id, module_id) references module
);
create index study_item_of_module on study_item (tenant_id, module_id, position);
select app.tenant_table('study_item');

create table enrolment (
  tenant_id   uuid not null,
  person_id   uuid not null,
  path_id     uuid not null,
  enrolled_at timestamptz not null default now(),
  primary key (tenant_id, person_id, path_id),
  foreign key (tenant_id, person_id) references member on delete cascade,
  foreign key (tenant_id, path_id) references path
);
select app.tenant_table('enrolment');

create table study_progress (
  tenant_id   uuid not null,
  person_id   uuid not null,
  item_id     uuid not null,
  -- How often it was answered; how often right; how often right in a row, up to now.
  times       integer not null check (times > 0),
  times_right integer not null check (times_right between 0 and times),
  streak      integer not null check (streak between 0 and times),
  last_choice smallint not null check (last_choice between 0 and 7),
  answered_at timestamptz not null,
  -- When it comes again.
  due_at      timestamptz not null,
  primary key (tenant_id, person_id, item_id),
  foreign key (tenant_id, person_id) references member on delete cascade,
  foreign key (tenant_id, item_id) references study_item
);
select app.tenant_table('study_progress');
