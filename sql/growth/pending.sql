-- One row: how many events are in no aggregation yet, and the moment at which the oldest of them came. Parameters: none.
select
    count(*) as events,
    (
        select min(event.ingested_at)
        from analytics.events as event
        where event.id in (select pending.event_id from pipelines.pending_events as pending)
    ) as since
from pipelines.pending_events
