-- Marks one week or month (app, grain, window) as built from its days, with its version, events and built_at.
update rollups.windows
set sequence = wanted, version = %(version)s, events = %(events)s, built_at = %(built_at)s
where app = %(app)s and grain = %(grain)s and window_start = %(window)s and org_tag = ''
