-- Item banks, live items, forms, attempts and responses.
-- Study items are the academy's, in a table of their own: a live item never reaches study mode.

create table item_bank (
  tenant_id  uuid not null references tenant (id),
  id         uuid not null default uuidv7(),
  code       text not null check (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  name       jsonb not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, code)
);
select app.tenant_table('item_bank');

create table exam_item (
  tenant_id  uuid not null,
  id         uuid not null default uuidv7(),
  bank_id    uuid not null,
  code       text not null check (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  skill_id   uuid not null references skill (id),
  stem       jsonb not null,
  -- At most eight, A to H.
  options    jsonb not null,
  -- The place of the right option, from 0.
  key        smallint not null check (key between 0 and 7),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, code),
  foreign key (tenant_id, bank_id) references item_bank
);
select app.tenant_table('exam_item');

create table exam_form (
  tenant_id          uuid not null,
  id                 uuid not null default uuidv7(),
  code               text not null check (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  title              jsonb not null,
  achievement_id     uuid not null,
  cut_score          smallint not null check (cut_score > 0),
  time_limit_minutes smallint not null check (time_limit_minutes between 1 and 600),
  attempts_allowed   smallint not null check (attempts_allowed between 1 and 10),
  created_at         timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, code),
  foreign key (tenant_id, achievement_id) references achievement (tenant_id, id)
);
select app.tenant_table('exam_form');

create table form_item (
  tenant_id uuid not null,
  form_id   uuid not null,
  position  smallint not null check (position between 1 and 200),
  item_id   uuid not null,
  primary key (tenant_id, form_id, position),
  unique (tenant_id, form_id, item_id),
  foreign key (tenant_id, form_id) references exam_form,
  foreign key (tenant_id, item_id) references exam_item
);
select app.tenant_table('form_item');

create table attempt (
  tenant_id     uuid not null,
  id            uuid not null default uuidv7(),
  person_id     uuid not null,
  form_id       uuid not null,
  number        smallint not null check (number between 1 and 10),
  started_at    timestamptz not null,
  deadline_at   timestamptz not null check (deadline_at >= started_at),
  finished_at   timestamptz,
  ended_by      text check (ended_by in ('person', 'time')),
  score_given   smallint,
  score_maximum smallint,
  passed        boolean,
  primary key (tenant_id, id),
  unique (tenant_id, form_id, person_id, number),
  foreign key (tenant_id, form_id) references exam_form,
  foreign key (tenant_id, person_id) references member on delete cascade,
  -- Open with nothing known, or finished with everything.
  check (num_nulls(finished_at, ended_by, score_given, score_maximum, passed) in (0, 5)),
  check (score_given between 0 and score_maximum)
);
-- One open attempt of a form at a time.
create unique index attempt_open on attempt (tenant_id, form_id, person_id)
  where finished_at is null;
create index attempt_of_person on attempt (tenant_id, person_id);
create index attempt_due on attempt (deadline_at) where finished_at is null;
select app.tenant_table('attempt');

create table response (
  tenant_id  uuid not null,
  attempt_id uuid not null,
  item_id    uuid not null,
  -- The option by its author's place; null while the question is only marked for later.
  choice     smallint check (choice between 0 and 7),
  later      boolean not null default false,
  revision   integer not null check (revision between 1 and 1000000),
  saved_at   timestamptz not null,
  primary key (tenant_id, attempt_id, item_id),
  foreign key (tenant_id, attempt_id) references attempt on delete cascade,
  foreign key (tenant_id, item_id) references exam_item
);
select app.tenant_table('response');

-- The clock: attempts whose time is over and that nobody finished. Identifiers only.
grant select (tenant_id, id, deadline_at, finished_at) on attempt to app_definer;
create function app.due_attempts(most integer) returns table (tenant_id uuid, attempt_id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  select a.tenant_id, a.id from attempt a
  where a.finished_at is null and a.deadline_at <= clock_timestamp()
  order by a.deadline_at limit most
$$;
alter function app.due_attempts owner to app_definer;
grant execute on function app.due_attempts to worker_relay;
