-- Moves the cursor of a stream (one row), in the transaction of the slice's rows. It never moves over a gap between
-- days. Where the connection named another account before, the stream begins again.
-- Parameters: app, connection_id, stream, org_id, platform, account_id, since, until, observed_at, run_id and slice_id
-- of the slice, and now.
insert into ads.sync_state as state (
    app, connection_id, stream, org_id, platform, account_id, synced_through, observed_at, run_id, slice_id, updated_at
)
values (
    %(app)s, %(connection_id)s, %(stream)s, %(org_id)s, %(platform)s, %(account_id)s, %(until)s, %(observed_at)s,
    %(run_id)s, %(slice_id)s, %(now)s
)
on conflict (app, connection_id, stream) do update
set org_id = excluded.org_id,
    account_id = excluded.account_id,
    synced_through = case
        when state.account_id <> excluded.account_id then excluded.synced_through
        when state.synced_through is null then excluded.synced_through
        when %(since)s::date <= state.synced_through + 1 then greatest(state.synced_through, excluded.synced_through)
        else state.synced_through
    end,
    observed_at = greatest(state.observed_at, excluded.observed_at),
    run_id = case when excluded.observed_at >= state.observed_at then excluded.run_id else state.run_id end,
    slice_id = case when excluded.observed_at >= state.observed_at then excluded.slice_id else state.slice_id end,
    updated_at = excluded.updated_at
