-- One row: how many days are credited whole, and so compared. Parameters: app, since (the first day).
select count(*) as days from attribution.windows where app = %(app)s and day >= %(since)s and changed = credited
