-- One row a unit that has seen its variant before the experiment's end (`until`), and when it did so first: by an event
-- `experiment_exposure` that names the experiment, or because the application's backend said so. A unit is a user, with the
-- session in which the variant was assigned, or a session of nobody.
-- Parameters: experiments and ends (one entry an experiment each).
with looked as (
    select e.id as experiment_id, e.key, e.started_at, given.until
    from unnest(%(experiments)s::uuid[], %(ends)s::timestamptz[]) as given (id, until)
    join experiments.experiments e using (id)
),
shown as materialized (
    select l.experiment_id, e.user_id, e.session_id, e.created_at
    from looked l
    join analytics.events e on e.properties ->> 'experiment' = l.key
        and e.created_at >= l.started_at and e.created_at < l.until
    where e.name = 'experiment_exposure'
),
to_users as (
    select experiment_id, user_id, min(created_at) as at
    from shown
    group by experiment_id, user_id
),
in_sessions as (
    select experiment_id, session_id, min(created_at) as at,
        min(created_at) filter (where user_id is null) as at_of_nobody
    from shown
    group by experiment_id, session_id
)
select * from (
    select a.experiment_id, a.id, a.variant, a.user_id, a.session_id, l.until,
        least(a.first_exposed_at, u.at, case when a.user_id is null then s.at else s.at_of_nobody end) as exposed_at
    from looked l
    join experiments.assignments a using (experiment_id)
    left join to_users u on u.experiment_id = a.experiment_id and u.user_id = a.user_id
    left join in_sessions s on s.experiment_id = a.experiment_id and s.session_id = a.session_id
) as units
where exposed_at < until
