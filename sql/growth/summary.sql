-- One row: how many leads, onboarding sessions, events and counted events there are. Parameters: none.
select
    (select count(*) from marketing.leads) as leads,
    (select count(*) from onboarding.sessions) as onboardings,
    (select count(*) from analytics.events) as events,
    (select coalesce(sum(events), 0)::bigint from analytics.event_aggregations where period = 'day') as counted
