-- One row a state: how many uploads of the app have it, their bytes, the bytes of their variants, the latest change.
select
    state,
    count(*) as images,
    coalesce(sum(bytes_in), 0)::bigint as bytes_in,
    coalesce(sum(bytes_out), 0)::bigint as bytes_out,
    max(changed_at) as newest
from media.images
where app = %(app)s
group by state
order by state
