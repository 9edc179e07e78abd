-- One row an assignment: the `newest` ones of each experiment. Parameters: experiments (their ids), newest.
select looked.experiment_id, a.variant, a.bucket, a.user_id::text as user_id, a.session_id
from unnest(%(experiments)s::uuid[]) as looked (experiment_id)
cross join lateral (
    select * from $assignments
    where experiment_id = looked.experiment_id
    order by assigned_at desc
    limit %(newest)s
) as a
