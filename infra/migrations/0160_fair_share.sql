-- Fair share: the relay serves organisations and persons in turn. See decisions/0020-fair-share.md.
--
-- A delivery is charged to a share: an organisation, also for what it does to persons, else the
-- person. Shares are found by stepping from one to the next over an index, from where the last
-- round ended; so a round costs as much as it hands out, whatever waits.

alter table tenant_delivery add column queue text not null default 'default';
alter table person_delivery add column queue text not null default 'default',
  add column share_id uuid;
-- Forced row-level security hides the rows from their own owner.
alter table person_delivery no force row level security;
alter table person_event no force row level security;
alter table person_delivery disable row level security;
alter table person_event disable row level security;
update person_delivery set share_id = coalesce(person_event.tenant_id, person_event.person_id)
from person_event
where (person_event.person_id, person_event.id) =
  (person_delivery.person_id, person_delivery.event_id);
alter table person_delivery enable row level security;
alter table person_event enable row level security;
alter table person_delivery force row level security;
alter table person_event force row level security;
alter table person_delivery alter column share_id set not null;

drop index tenant_event_fresh, person_event_fresh, tenant_delivery_due, person_delivery_due;
create index tenant_event_fresh on tenant_event (tenant_id, id) where not dispatched;
create index person_event_fresh on person_event (coalesce(tenant_id, person_id), id)
  where not dispatched;
create index tenant_delivery_due on tenant_delivery (queue, tenant_id, next_attempt_at)
  where done_at is null and dead_at is null;
create index person_delivery_due on person_delivery (queue, share_id, next_attempt_at)
  where done_at is null and dead_at is null;
create index tenant_delivery_soonest on tenant_delivery (queue, next_attempt_at)
  where done_at is null and dead_at is null;
create index person_delivery_soonest on person_delivery (queue, next_attempt_at)
  where done_at is null and dead_at is null;
-- A queue's index is read from its front, where the dead entries lie: clean it early.
alter table tenant_event set (autovacuum_vacuum_scale_factor = 0.02);
alter table person_event set (autovacuum_vacuum_scale_factor = 0.02);
alter table tenant_delivery set (autovacuum_vacuum_scale_factor = 0.02);
alter table person_delivery set (autovacuum_vacuum_scale_factor = 0.02);

grant select (tenant_id) on person_event to app_definer;
grant insert (queue), select (queue) on tenant_delivery to app_definer;
grant insert (queue, share_id), select (queue, share_id) on person_delivery to app_definer;

-- Nothing of an organisation that isn't active moves; it waits, and goes on afterwards.
create function app.share_waits(share uuid) returns boolean
language sql security definer stable set search_path = pg_catalog, public as $$
  select exists (select 1 from tenant where tenant.id = share and tenant.status <> 'active')
$$;
alter function app.share_waits owner to app_definer;

-- The same four functions for both owners of events: {owner} keys the rows, {share} is charged.
-- Always by an index: a plan made while the tables were empty must not last when they are full.
do $make$
declare
  scope text;
  template text;
  templates text[] := array[$fresh$
-- Up to `most` shares with fresh events, beginning after `after`; `last` is where the walk ended.
create function app.relay_fresh_{scope}s(after uuid, most integer, steps integer)
returns table (shares uuid[], last uuid)
language plpgsql security definer set search_path = pg_catalog, public
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  share uuid;
  around boolean := false;
begin
  shares := '{}';
  last := after;
  while cardinality(shares) < most and steps > 0 loop
    steps := steps - 1;
    select {event_share} into share from {scope}_event
    where not dispatched and {event_share} > last order by {event_share}, id limit 1;
    if share is null or (around and share > after) then
      if around then
        -- All were passed: another comes first in the next round.
        last := coalesce(shares[1], last);
        exit;
      end if;
      around := true;
      last := '00000000-0000-0000-0000-000000000000';
      continue;
    end if;
    last := share;
    if not app.share_waits(share) then
      shares := shares || share;
    end if;
  end loop;
  return next;
end $$
$fresh$, $expand$
-- Fresh events become deliveries, share by share; what one share leaves of its part others take.
create function app.relay_expand_{scope}s(
  event_names text[], listeners text[], queues text[], room integer, after uuid, steps integer
) returns table (expanded integer, last uuid)
language plpgsql security definer set search_path = pg_catalog, public
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  open_shares uuid[];
  part integer;
  taken integer;
begin
  expanded := 0;
  select walk.shares, walk.last into open_shares, last
  from app.relay_fresh_{scope}s(after, room, steps) as walk;
  while room > 0 and cardinality(open_shares) > 0 loop
    part := greatest(1, room / cardinality(open_shares));
    with fresh as (
      select one.*, open_share.place
      from unnest(open_shares) with ordinality as open_share(id, place) cross join lateral (
        select {event_share} as share, event.{owner}, event.id, event.name
        from {scope}_event as event
        where not event.dispatched and {event_share} = open_share.id
        order by event.id limit part for update skip locked
      ) as one
      order by open_share.place limit room
    ), marked as (
      update {scope}_event as event set dispatched = true from fresh
      where (event.{owner}, event.id) = (fresh.{owner}, fresh.id)
    ), delivered as (
      insert into {scope}_delivery ({owner}, event_id, listener, queue{share_column})
      select fresh.{owner}, fresh.id, known.listener, known.queue{share_value}
      from fresh join unnest(event_names, listeners, queues) as known(name, listener, queue)
        using (name)
      on conflict do nothing
    ), counted as (
      select fresh.share, fresh.place, count(*)::integer as rows from fresh group by 1, 2
    )
    select coalesce(sum(rows), 0),
      coalesce(array_agg(share order by place) filter (where rows = part), '{}')
    into taken, open_shares from counted;
    expanded := expanded + taken;
    room := room - taken;
  end loop;
  return next;
end $$
$expand$, $due$
-- Up to `most` shares with due deliveries in a queue, beginning after `after`.
create function app.relay_due_{scope}s(of_queue text, after uuid, most integer, steps integer)
returns table (shares uuid[], last uuid)
language plpgsql security definer set search_path = pg_catalog, public
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  share uuid;
  first_at timestamptz;
  around boolean := false;
begin
  shares := '{}';
  last := after;
  while cardinality(shares) < most and steps > 0 loop
    steps := steps - 1;
    select delivery.{share}, delivery.next_attempt_at into share, first_at
    from {scope}_delivery as delivery
    where delivery.queue = of_queue and delivery.{share} > last
      and delivery.done_at is null and delivery.dead_at is null
    order by delivery.{share}, delivery.next_attempt_at limit 1;
    if share is null or (around and share > after) then
      if around then
        -- All were passed: another comes first in the next round.
        last := coalesce(shares[1], last);
        exit;
      end if;
      around := true;
      last := '00000000-0000-0000-0000-000000000000';
      continue;
    end if;
    last := share;
    if first_at <= now() and not app.share_waits(share) then
      shares := shares || share;
    end if;
  end loop;
  return next;
end $$
$due$, $claim$
-- Due deliveries of a queue, share by share. One whose listener this process doesn't know (a later
-- release's, say) is put off for a minute, at no attempt's cost.
create function app.relay_claim_{scope}s(
  of_queue text, room integer, after uuid, steps integer,
  known_listeners text[], leases_s integer[], attempt_limit integer
) returns table (owners uuid[], events uuid[], listeners text[], last uuid)
language plpgsql security definer set search_path = pg_catalog, public
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  open_shares uuid[];
  due_at_once integer;
  part integer;
  claim record;
begin
  owners := '{}';
  events := '{}';
  listeners := '{}';
  -- Where all that is due finds room, no share needs to be looked for: thousands may be waiting
  -- for a next attempt.
  select count(*), array_agg(distinct soonest.share) into due_at_once, open_shares from (
    select delivery.{share} as share from {scope}_delivery as delivery
    where delivery.queue = of_queue and delivery.done_at is null and delivery.dead_at is null
      and delivery.next_attempt_at <= now()
    order by delivery.next_attempt_at limit room + 1
  ) as soonest;
  if due_at_once <= room then
    last := after;
    open_shares := array(
      select share from unnest(open_shares) as share where not app.share_waits(share));
  else
    select walk.shares, walk.last into open_shares, last
    from app.relay_due_{scope}s(of_queue, after, room, steps) as walk;
  end if;
  while room > 0 and cardinality(open_shares) > 0 loop
    part := greatest(1, room / cardinality(open_shares));
    with due as (
      select one.*, open_share.place,
        row_number() over (partition by one.share order by one.next_attempt_at) as turn
      from unnest(open_shares) with ordinality as open_share(id, place) cross join lateral (
        select delivery.{share} as share, delivery.{owner}, delivery.event_id, delivery.listener,
          delivery.next_attempt_at
        from {scope}_delivery as delivery
        where delivery.queue = of_queue and delivery.{share} = open_share.id
          and delivery.done_at is null and delivery.dead_at is null
          and delivery.next_attempt_at <= now()
        order by delivery.next_attempt_at limit part for update skip locked
      ) as one
      order by turn, open_share.place limit room
    ), claimed as (
      update {scope}_delivery as delivery set
        attempts = delivery.attempts + (known.lease_s is not null)::integer,
        dead_at = case
          when known.lease_s is not null and delivery.attempts >= attempt_limit then now() end,
        next_attempt_at = now() + interval '1 second' *
          least(coalesce(known.lease_s * power(2, least(delivery.attempts, 12)), 60), 3600)
      from due left join unnest(known_listeners, leases_s) as known(listener, lease_s)
        on known.listener = due.listener
      where (delivery.{owner}, delivery.event_id, delivery.listener) =
        (due.{owner}, due.event_id, due.listener)
      returning due.share, due.turn, due.place, delivery.{owner} as owner, delivery.event_id,
        delivery.listener, delivery.dead_at is null and known.lease_s is not null as goes
    ), counted as (
      select claimed.share, claimed.place, count(*)::integer as rows from claimed group by 1, 2
    ), going as (
      select * from claimed where claimed.goes
    )
    select
      (select coalesce(array_agg(owner order by turn, place), '{}') from going) as owners,
      (select coalesce(array_agg(event_id order by turn, place), '{}') from going) as events,
      (select coalesce(array_agg(going.listener order by turn, place), '{}') from going)
        as listeners,
      (select coalesce(array_agg(share order by place) filter (where rows = part), '{}')
        from counted) as shares,
      (select coalesce(sum(rows), 0) from counted) as taken
    into claim;
    owners := owners || claim.owners;
    events := events || claim.events;
    listeners := listeners || claim.listeners;
    open_shares := claim.shares;
    room := room - claim.taken;
  end loop;
  return next;
end $$
$claim$];
begin
  foreach scope in array array['tenant', 'person'] loop
    foreach template in array templates loop
      template := replace(template, '{scope}', scope);
      template := replace(template, '{owner}', scope || '_id');
      template := replace(template, '{share}',
        case scope when 'tenant' then 'tenant_id' else 'share_id' end);
      template := replace(template, '{event_share}',
        case scope when 'tenant' then 'tenant_id' else 'coalesce(tenant_id, person_id)' end);
      template := replace(template, '{share_column}',
        case scope when 'tenant' then '' else ', share_id' end);
      template := replace(template, '{share_value}',
        case scope when 'tenant' then '' else ', fresh.share' end);
      execute template;
    end loop;
  end loop;
end $make$;

-- What the relay asks in each round. `after` is where its last round ended, per owner's kind.
-- A round doesn't wait for the disk: what a crash takes back was only handed out, and is fresh or
-- due again. Whatever was done afterwards was flushed with everything before it.
create function app.relay_expand(
  event_names text[], listeners text[], queues text[], room integer,
  after_tenant uuid, after_person uuid
) returns table (expanded integer, last_tenant uuid, last_person uuid)
language sql security definer set search_path = pg_catalog, public as $$
  select set_config('synchronous_commit', 'off', true);
  select of_tenants.expanded + of_persons.expanded, of_tenants.last, of_persons.last
  from app.relay_expand_tenants(event_names, listeners, queues, room, after_tenant, 1000)
      as of_tenants,
    app.relay_expand_persons(event_names, listeners, queues, room, after_person, 1000)
      as of_persons
$$;

-- `room` is for both kinds; who comes first takes what it can, so the relay lets them alternate.
drop function app.relay_claim;
create function app.relay_claim(
  of_queue text, room integer, persons_first boolean, after_tenant uuid, after_person uuid,
  known_listeners text[], leases_s integer[], attempt_limit integer
) returns table (scope text, owners uuid[], events uuid[], listeners text[], last uuid)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  foreach scope in array case when persons_first
    then array['person', 'tenant'] else array['tenant', 'person'] end
  loop
    if scope = 'tenant' then
      select claim.owners, claim.events, claim.listeners, claim.last
      into owners, events, listeners, last from app.relay_claim_tenants(
        of_queue, room, after_tenant, 1000, known_listeners, leases_s, attempt_limit) as claim;
    else
      select claim.owners, claim.events, claim.listeners, claim.last
      into owners, events, listeners, last from app.relay_claim_persons(
        of_queue, room, after_person, 1000, known_listeners, leases_s, attempt_limit) as claim;
    end if;
    room := room - cardinality(owners);
    return next;
  end loop;
end $$;

alter function app.relay_fresh_tenants owner to app_definer;
alter function app.relay_fresh_persons owner to app_definer;
alter function app.relay_expand_tenants owner to app_definer;
alter function app.relay_expand_persons owner to app_definer;
alter function app.relay_due_tenants owner to app_definer;
alter function app.relay_due_persons owner to app_definer;
alter function app.relay_claim_tenants owner to app_definer;
alter function app.relay_claim_persons owner to app_definer;
alter function app.relay_expand owner to app_definer;
alter function app.relay_claim owner to app_definer;
grant execute on function app.relay_expand, app.relay_claim to worker_relay;
