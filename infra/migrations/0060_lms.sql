-- Connections to LMSes over LTI 1.3: registrations, deployments, users, line items, grades, keys.

create table lti_registration (
  tenant_id uuid not null references tenant (id),
  id uuid not null default uuidv7(),
  name text not null check (length(name) between 1 and 200),
  issuer text not null check (length(issuer) between 1 and 2000),
  client_id text not null check (length(client_id) between 1 and 255),
  authorization_url text not null check (length(authorization_url) between 1 and 2000),
  token_url text not null check (length(token_url) between 1 and 2000),
  jwks_url text not null check (length(jwks_url) between 1 and 2000),
  -- The audience of our token requests, where it is not the token address.
  token_audience text check (length(token_audience) between 1 and 2000),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, issuer, client_id),
  unique (tenant_id, id, issuer, client_id)
);
select app.tenant_table('lti_registration');

-- One deployment belongs to one organisation: hosted LMSes share issuer and client id among many.
create table lti_deployment (
  tenant_id uuid not null,
  id uuid not null default uuidv7(),
  registration_id uuid not null,
  issuer text not null,
  client_id text not null,
  deployment_id text not null check (length(deployment_id) between 1 and 255),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, registration_id, deployment_id),
  unique (issuer, client_id, deployment_id),
  foreign key (tenant_id, registration_id, issuer, client_id)
    references lti_registration (tenant_id, id, issuer, client_id)
    on update cascade on delete cascade
);
select app.tenant_table('lti_deployment');

-- A tenant's row: the tenant supplies its LMS's keys, and could otherwise name anyone.
create table lti_user (
  tenant_id uuid not null,
  registration_id uuid not null,
  subject text not null check (length(subject) between 1 and 255),
  person_id uuid not null,
  launched_at timestamptz,
  primary key (tenant_id, registration_id, subject),
  unique (tenant_id, registration_id, person_id),
  foreign key (tenant_id, registration_id) references lti_registration on delete cascade
);
create index lti_user_of_person on lti_user (tenant_id, person_id);
create index lti_user_last_launch on lti_user (tenant_id, registration_id, launched_at);
select app.tenant_table('lti_user');

-- Where scores of one link in one course go. A launch of that very link alone changes it.
create table lti_line_item (
  tenant_id uuid not null,
  id uuid not null default uuidv7(),
  registration_id uuid not null,
  deployment_id uuid not null,
  context_id text,
  resource_link_id text not null,
  -- As the platform names course and link, for whoever looks after the grades.
  context_title text,
  title text,
  -- Null where the LMS offers no grade book for this link.
  line_item_url text,
  scopes text[] not null,
  -- The achievement whose exam this link opens; null while the link names none.
  achievement_code text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique nulls not distinct (tenant_id, deployment_id, context_id, resource_link_id),
  foreign key (tenant_id, registration_id) references lti_registration on delete cascade,
  foreign key (tenant_id, deployment_id) references lti_deployment on delete cascade
);
select app.tenant_table('lti_line_item');

-- Who came through which link: their score goes to that link's line item, and to no other.
create table lti_placement (
  tenant_id uuid not null,
  line_item_id uuid not null,
  person_id uuid not null,
  launched_at timestamptz not null default now(),
  primary key (tenant_id, line_item_id, person_id),
  foreign key (tenant_id, line_item_id) references lti_line_item on delete cascade,
  foreign key (tenant_id, person_id) references member on delete cascade
);
create index lti_placement_of_person on lti_placement (tenant_id, person_id);
select app.tenant_table('lti_placement');

-- What the grade book is to show for one person and line item: the best finished attempt.
create table lti_grade (
  tenant_id uuid not null,
  id uuid not null default uuidv7(),
  line_item_id uuid not null,
  person_id uuid not null,
  attempt_id uuid not null,
  score_given integer not null,
  score_maximum integer not null check (score_maximum > 0),
  finished_at timestamptz not null,
  state text not null default 'pending' check (state in ('pending', 'sent', 'failed')),
  -- Sent with the score, again and again the same; a better score's is later by a second at least.
  score_timestamp timestamptz not null,
  -- An earlier try got no clear answer: the grade book may hold this score already.
  maybe_written boolean not null default false,
  sent_at timestamptz,
  attempts integer not null default 0,
  last_error text,
  -- While it is in the future, one task is sending this row and others leave it alone.
  sending_until timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, line_item_id, person_id),
  check (score_given between 0 and score_maximum),
  check (state <> 'sent' or sent_at is not null),
  foreign key (tenant_id, line_item_id) references lti_line_item on delete cascade,
  foreign key (tenant_id, person_id) references member on delete cascade
);
create index lti_grade_of_person on lti_grade (tenant_id, person_id);
create index lti_grade_open on lti_grade (tenant_id, state) where state <> 'sent';
select app.tenant_table('lti_grade');

-- Refused launches, counted by reason: bounded, whatever anyone sends.
create table lti_refusal (
  tenant_id uuid not null,
  registration_id uuid not null,
  reason text not null,
  detail text,
  times integer not null default 1,
  last_at timestamptz not null default now(),
  primary key (tenant_id, registration_id, reason),
  foreign key (tenant_id, registration_id) references lti_registration on delete cascade
);
select app.tenant_table('lti_refusal');

-- The tool's keys, with which we sign to the tenant's LMSes; the private part is sealed.
create table lti_key (
  tenant_id uuid not null references tenant (id),
  id uuid not null default uuidv7(),
  public_jwk jsonb not null,
  sealed_private_key bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (tenant_id, id)
);
create unique index lti_key_current on lti_key (tenant_id) where retired_at is null;
select app.tenant_table('lti_key', 'select, insert, update');

grant select (tenant_id, registration_id, issuer, client_id, deployment_id)
  on lti_deployment to app_definer;

-- Which registrations a login may belong to; a null client or deployment matches any.
create function app.lti_registrations(
  wanted_issuer text, wanted_client_id text, wanted_deployment_id text
) returns table (tenant_id uuid, registration_id uuid)
language sql security definer stable set search_path = pg_catalog, public as $$
  select distinct d.tenant_id, d.registration_id from lti_deployment d
  where d.issuer = wanted_issuer
    and (wanted_client_id is null or d.client_id = wanted_client_id)
    and (wanted_deployment_id is null or d.deployment_id = wanted_deployment_id)
  limit 2
$$;
alter function app.lti_registrations owner to app_definer;
grant execute on function app.lti_registrations to web_lookup;
