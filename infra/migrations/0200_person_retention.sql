-- The clocks of persons' own rows: whose are over their time, by identifiers alone.

-- Whose, among the `most` oldest rows of a table whose `moment` is longer ago than `age`. What may
-- be asked for is what app_definer was granted: a table and its moment, with the person it belongs to.
create function app.person_rows_over(relation text, moment text, age interval, most integer)
returns setof uuid
language plpgsql security definer stable set search_path = pg_catalog, public as $$
begin
  return query execute format('select distinct oldest.person_id from (select person_id from public.%I '
    'where %I < now() - $1 order by %I limit $2) as oldest', relation, moment, moment)
    using age, most;
end $$;
alter function app.person_rows_over owner to app_definer;
grant execute on function app.person_rows_over to worker_relay;

grant select (person_id, made_at) on person_notice to app_definer;
create index person_notice_made on person_notice (made_at);
