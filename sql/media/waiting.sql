select count(*) as images, max(changed_at) as newest
from media.images
where app = %(app)s and state in ('wanted', 'gone')
