-- Members: roles that an organisation makes itself, grants limited to a unit, search, invitations,
-- saved filters and imports.

-- The words of a text in lower case, without accents, vowel marks and hamzas, one space apart: as
-- passerelle.skills.folding does it, and a test holds the two together.
create function app.folded(value text) returns text
language sql immutable strict parallel safe set search_path = pg_catalog as $$
  select trim(regexp_replace(
    translate(
      replace(replace(replace(
        regexp_replace(
          normalize(lower(value collate pg_c_utf8), nfkd),
          '[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]',
          '', 'g'),
        'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'),
      'øةىـ', 'oهي'),
    '[^[:alnum:]_]+' collate pg_c_utf8, ' ', 'g'))
$$;
grant execute on function app.folded to web_tenant;

alter table member
  drop constraint member_status_check,
  add constraint member_status_check check (status in ('active', 'suspended', 'removed')),
  add column unit_id uuid,
  add column folded_name text collate "C"
    generated always as (app.folded(display_name)) stored,
  add column folded_email text collate "C"
    generated always as (lower(email collate pg_c_utf8)) stored,
  add foreign key (tenant_id, unit_id) references unit (tenant_id, id);
create index member_by_name on member (tenant_id, folded_name, person_id);
create index member_by_arrival on member (tenant_id, created_at, person_id);
create index member_by_email on member (tenant_id, folded_email);
create index member_of_unit on member (tenant_id, unit_id, person_id);
create index member_not_active on member (tenant_id, status, person_id)
  where status <> 'active';

-- The words of a member's name and address. Under row-level security only what is leakproof uses an
-- index: a word is found by its range, not by a pattern.
create table member_word (
  tenant_id uuid not null,
  word      text collate "C" not null,
  person_id uuid not null,
  primary key (tenant_id, word, person_id),
  foreign key (tenant_id, person_id) references member (tenant_id, person_id) on delete cascade
);
create index member_word_of_member on member_word (tenant_id, person_id);
-- Members from before there was a search. The owner is forced under the policies too.
alter table member no force row level security;
insert into member_word (tenant_id, word, person_id)
select distinct tenant_id, left(word, 100), person_id
from member, unnest(string_to_array(
  app.folded(display_name) || ' ' || coalesce(app.folded(email), ''), ' ')) as word
where word <> '';
alter table member force row level security;
select app.tenant_table('member_word');

create function app.write_member_words() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  if tg_op = 'UPDATE' then
    delete from member_word where tenant_id = old.tenant_id and person_id = old.person_id;
  end if;
  insert into member_word (tenant_id, word, person_id)
  select distinct new.tenant_id, left(word, 100), new.person_id
  from unnest(string_to_array(
    app.folded(new.display_name) || ' ' || coalesce(app.folded(new.email), ''), ' ')) as word
  where word <> '';
  return null;
end $$;
create trigger words_of_new_member after insert on member
  for each row execute function app.write_member_words();
create trigger words_of_renamed_member after update of display_name, email on member
  for each row when (
    (old.display_name, old.email) is distinct from (new.display_name, new.email))
  execute function app.write_member_words();

-- A role that an organisation made. The product's own ten stand in the code.
create table tenant_role (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null default uuidv7(),
  code        text not null check (code ~ '^own-[0-9a-f]{12}$'),
  name        jsonb not null,
  purpose     text not null default '',
  permissions text[] not null check (cardinality(permissions) between 1 and 50),
  copied_from text,
  version     integer not null default 1,
  created_at  timestamptz not null default now(),
  changed_at  timestamptz not null default now(),
  retired_at  timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, code)
);
select app.tenant_table('tenant_role');

-- A grant: a role for the whole organisation, or in a unit and what lies below it.
alter table member_role
  drop constraint member_role_pkey,
  add column id uuid not null default uuidv7(),
  add column unit_id uuid,
  add column granted_by text,
  add primary key (tenant_id, id),
  add constraint member_role_once
    unique nulls not distinct (tenant_id, person_id, role, unit_id),
  add foreign key (tenant_id, unit_id) references unit (tenant_id, id);
create index member_role_holders on member_role (tenant_id, role, person_id);
create index member_role_of_unit on member_role (tenant_id, unit_id) where unit_id is not null;

-- A member's own history, and what an "as of" is answered from.
create index tenant_event_of_person on tenant_event (tenant_id, person_id, id)
  where person_id is not null;

create table invitation (
  tenant_id    uuid not null references tenant (id),
  id           uuid not null default uuidv7(),
  email        text not null check (length(email) between 3 and 254),
  folded_email text collate "C" not null
    generated always as (lower(email collate pg_c_utf8)) stored,
  name         text not null default '',
  roles        text[] not null check (cardinality(roles) between 1 and 20),
  -- Where the member will stand; and whether the roles count there only.
  unit_id      uuid,
  only_in_unit boolean not null default false check (unit_id is not null or not only_in_unit),
  locale       text not null check (locale in ('en', 'fr', 'ar')),
  -- Part of what the link is signed over: sending again makes the older link worthless.
  version      integer not null default 1,
  invited_at   timestamptz not null default now(),
  invited_by   text not null,
  sent_at      timestamptz not null default now(),
  expires_at   timestamptz not null,
  accepted_at  timestamptz,
  accepted_by  uuid,
  withdrawn_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, unit_id) references unit (tenant_id, id),
  check (accepted_at is null or withdrawn_at is null),
  check ((accepted_at is null) = (accepted_by is null))
);
-- One open invitation an address.
create unique index invitation_open on invitation (tenant_id, folded_email)
  where accepted_at is null and withdrawn_at is null;
select app.tenant_table('invitation');

-- A filter that a member keeps for themselves.
create table member_filter (
  tenant_id  uuid not null,
  person_id  uuid not null,
  id         uuid not null default uuidv7(),
  name       text not null check (length(name) between 1 and 80),
  query      text not null check (length(query) <= 1000),
  created_at timestamptz not null default now(),
  primary key (tenant_id, person_id, id),
  unique (tenant_id, person_id, name),
  foreign key (tenant_id, person_id) references member (tenant_id, person_id) on delete cascade
);
select app.tenant_table('member_filter');

-- Work on many members at once: a list that was brought, or an action on all that match.
create table member_job (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null default uuidv7(),
  kind        text not null check (kind in ('import', 'action')),
  title       text not null,
  -- Who asked, and within what bounds: the worker acts as they do, and no further.
  actor       jsonb not null,
  action      jsonb,
  status      text not null default 'draft'
    check (status in ('draft', 'running', 'finished', 'discarded')),
  created_at  timestamptz not null default now(),
  created_by  uuid not null,
  confirmed_at timestamptz,
  finished_at timestamptz,
  primary key (tenant_id, id)
);
select app.tenant_table('member_job');

create table member_job_row (
  tenant_id uuid not null,
  job_id    uuid not null,
  line      integer not null check (line between 1 and 100000),
  content   jsonb not null,
  -- What the check page says will happen, or why nothing can.
  outcome   text not null,
  problem   text,
  state     text not null default 'waiting'
    check (state in ('waiting', 'refused', 'done', 'failed')),
  primary key (tenant_id, job_id, line),
  foreign key (tenant_id, job_id) references member_job (tenant_id, id) on delete cascade
);
create index member_job_row_by_state on member_job_row (tenant_id, job_id, state, line);
select app.tenant_table('member_job_row');

-- Live exam items: their text, options and key are read and written by live_exam alone; whoever is
-- bound to the tenant otherwise sees that an item exists, and which skill it is about.
revoke select, insert, update, delete on exam_item from web_tenant;
grant select (tenant_id, id, bank_id, code, skill_id, created_at) on exam_item to web_tenant;
grant select, insert, update, delete on exam_item to live_exam;
