-- One row a reason: how many uploads of the app are refused for it, and their bytes.
select reason, count(*) as images, coalesce(sum(bytes_in), 0)::bigint as bytes
from media.images
where app = %(app)s and state = 'quarantined'
group by reason
order by images desc, reason
