-- One row is an entity that has facts in the slice and is on no list of the platform's. One that another run stored from
-- its facts is among them where the lists are complete, because that run had none that said that it is gone.
-- Parameters: app, org_id, is_listed (whether the lists are of the same run), list (the stream that lists the level).
-- Name: the table of the level's entities.
select distinct i.entity_id
from incoming i
where not exists (
    select from {entities} e
    where e.app = %(app)s and e.org_id = %(org_id)s and e.id = i.entity_id
      and not (
          %(is_listed)s and e.deleted_at is null and coalesce(e.raw_data, '{{}}') = '{{}}'
          and not exists (
              select from ads.sync_slices s
              where s.app = e.app and s.run_id = e.last_seen_run_id and s.stream = %(list)s and s.state = 'merged'
          )
      )
)
