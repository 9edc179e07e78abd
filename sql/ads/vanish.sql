-- Marks entities as deleted at this observation, because the platform lists them no longer. The last run that saw them
-- stays. Parameters: app, connection_id, org_id, platform, account_id, stream and observed_at of the slice, and now.
-- Name: the table of the entities.
update {entities} e
set deleted_at = %(observed_at)s,
    status = 'ended',
    updated_at = %(now)s,
    last_seen_run_id = coalesce(
        (
            select s.run_id from ads.sync_state s
            where s.app = %(app)s and s.connection_id = %(connection_id)s and s.stream = %(stream)s
        ),
        e.last_seen_run_id
    )
where e.app = %(app)s and e.org_id = %(org_id)s and e.platform = %(platform)s and e.account_id = %(account_id)s
  and e.deleted_at is null
  and not exists (select from listed i where i.id = e.id)
