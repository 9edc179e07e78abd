-- No rows. Writes an alert that is to be sent: key, at, title, body, severity.
insert into health.alerts (key, made_at, title, body, severity, next_at)
values (%(key)s, %(at)s, %(title)s, %(body)s, %(severity)s, %(at)s)
on conflict (key) do nothing
