-- One row a day of an app that was built for all organisations: its start, and the events that were counted.
select window_start, events from rollups.windows
where app = %(app)s and grain = 'daily' and org_tag = '' and built_at is not null
