-- What is on the platform's list no more is deleted as of this observation; the last run that saw it is kept.
update {entities} e
set deleted_at = %(observed_at)s,
    status = 'ended',
    updated_at = %(now)s,
    last_seen_run_id = coalesce(
        (select s.run_id from ads.sync_state s where s.connection_id = %(connection_id)s and s.stream = %(stream)s),
        e.last_seen_run_id
    )
where e.org_id = %(org_id)s and e.platform = %(platform)s and e.account_id = %(account_id)s
  and e.deleted_at is null
  and not exists (select from incoming i where i.id = e.id)
