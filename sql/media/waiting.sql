-- One row: how many uploads of the app are wanted or gone, and when the latest of them was marked.
select count(*) as images, max(changed_at) as newest
from media.images
where app = %(app)s and state in ('wanted', 'gone')
