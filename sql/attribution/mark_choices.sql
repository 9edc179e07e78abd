-- Makes the days from one on stale, because what people chose about marketing changed. Parameters: app, since (a day).
update attribution.windows
set version = 0
where app = %(app)s and day >= %(since)s
