-- Deletes the facts of the days that are worth nothing. Parameters: app, org_id.
-- Names: the table of the level's facts, its key column.
delete from {facts} f
using absent a
where a.is_zero and f.app = %(app)s and f.org_id = %(org_id)s and f.{key} = a.entity_id and f.date = a.date
