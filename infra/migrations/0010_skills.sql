-- The taxonomy (reference data, no one's rows) and the evidence that proves a person's skills.

create table taxonomy (
  id           text primary key,
  version      text not null,
  attribution  text not null,
  content_hash text not null,
  skills       integer not null,
  occupations  integer not null,
  links        integer not null,
  loaded_at    timestamptz not null default now()
);
select app.reference_table('taxonomy');

-- A skill's id is the UUID in its ESCO address.
create table skill (
  id   uuid primary key,
  uri  text not null unique,
  kind text not null check (kind in ('skill', 'knowledge'))
);
select app.reference_table('skill');

-- `folded` is the label without accents, vowel marks and case: what a search compares.
create table skill_label (
  skill_id uuid not null references skill (id) on delete cascade,
  locale   text not null check (locale in ('en', 'fr', 'ar')),
  label    text not null check (label <> ''),
  folded   text not null,
  primary key (skill_id, locale)
);
create index skill_label_folded on skill_label (locale, folded text_pattern_ops);
select app.reference_table('skill_label');

create table occupation (
  id   uuid primary key,
  uri  text not null unique,
  isco text not null check (isco ~ '^[0-9]{4}$')
);
select app.reference_table('occupation');

create table occupation_label (
  occupation_id uuid not null references occupation (id) on delete cascade,
  locale        text not null check (locale in ('en', 'fr', 'ar')),
  label         text not null check (label <> ''),
  folded        text not null,
  primary key (occupation_id, locale)
);
select app.reference_table('occupation_label');

create table occupation_skill (
  occupation_id uuid not null references occupation (id) on delete cascade,
  skill_id      uuid not null references skill (id) on delete cascade,
  relation      text not null check (relation in ('essential', 'optional')),
  primary key (occupation_id, skill_id)
);
create index occupation_skill_of_skill on occupation_skill (skill_id);
select app.reference_table('occupation_skill');

-- What proves that a person has a skill: verified results only, never a claim.
create table evidence (
  person_id     uuid not null,
  id            uuid not null default uuidv7(),
  skill_id      uuid not null references skill (id),
  level         smallint not null check (level between 1 and 4),
  kind          text not null check (kind in ('exam', 'practical', 'credential', 'assessor')),
  credential_id uuid,
  proven_at     timestamptz not null,
  expires_at    timestamptz,
  recorded_at   timestamptz not null default now(),
  primary key (person_id, id),
  check (expires_at > proven_at)
);
-- One proof of a skill by one credential; without a credential, by one kind at one moment.
create unique index evidence_by_credential on evidence (person_id, credential_id, skill_id)
  where credential_id is not null;
create unique index evidence_by_moment on evidence (person_id, skill_id, kind, proven_at)
  where credential_id is null;
select app.person_table('evidence');

-- An organisation reads it only while the person shares with it for hiring.
grant select on evidence to web_tenant;
create policy evidence_shared_for_hiring on evidence for select to web_tenant using (
  exists (
    select from sharing
    where sharing.person_id = evidence.person_id
      and sharing.tenant_id = (select app.tenant_strict())
      and sharing.purpose = 'hiring'
      and sharing.withdrawn_at is null
      and sharing.until > now()
  )
);
