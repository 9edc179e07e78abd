-- One row a unit that has seen its variant before the experiment's end (`until`), and when it did so first: by an event
-- `experiment_exposure` that names the experiment, or because the application's backend said so. A unit is a user, with the
-- session in which the variant was assigned, or a session of nobody.
-- Parameters: experiments and ends (one entry an experiment each).
with looked as (
    select e.id as experiment_id, e.key, e.started_at, given.until
    from unnest(%(experiments)s::uuid[], %(ends)s::timestamptz[]) as given (id, until)
    join experiments.experiments e using (id)
),
shown as (
    select l.experiment_id, e.user_id, e.session_id, min(e.created_at) as at
    from looked l
    join analytics.events e on e.properties ->> 'experiment' = l.key
        and e.created_at >= l.started_at and e.created_at < l.until
    where e.name = 'experiment_exposure'
    group by l.experiment_id, e.user_id, e.session_id
),
seen as (
    select a.id, a.first_exposed_at as at
    from looked l
    join experiments.assignments a using (experiment_id)
    where a.first_exposed_at < l.until
    union all
    select a.id, s.at
    from shown s
    join experiments.assignments a on a.experiment_id = s.experiment_id and a.user_id = s.user_id
    union all
    select a.id, s.at
    from shown s
    join experiments.assignments a on a.experiment_id = s.experiment_id and a.session_id = s.session_id
    where a.user_id is null or s.user_id is null
)
select a.experiment_id, a.id, a.variant, a.user_id, a.session_id, first_seen.at as exposed_at, l.until
from (select id, min(at) as at from seen group by id) as first_seen
join experiments.assignments a using (id)
join looked l using (experiment_id)
