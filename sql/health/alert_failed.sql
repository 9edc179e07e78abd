-- No rows. Notes that an alert (key) could not be sent, and when it is tried again (next_at).
update health.alerts set tries = tries + 1, next_at = %(next_at)s where key = %(key)s
