-- Deletes refused lines (array lines) of an app's events that came with an object (sha256): people who were erased sent
-- them.
delete from ingest.quarantine
where app = %(app)s and sha256 = %(sha256)s and line = any(%(lines)s::bigint[])
