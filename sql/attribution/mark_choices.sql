-- Makes days stale, because what people who were seen on them chose about marketing changed. Parameters: app, days.
update attribution.windows
set version = 0
where app = %(app)s and day = any(%(days)s)
