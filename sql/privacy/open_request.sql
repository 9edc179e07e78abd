-- One row: the open request of an app for the same id (hash); none where there is none.
select id, state
from privacy.requests
where app = %(app)s and subject_hash = %(hash)s and ended_at is null and id <> %(id)s
limit 1
