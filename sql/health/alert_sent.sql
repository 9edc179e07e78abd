-- No rows. Notes that an alert (key) was sent at a moment (at).
update health.alerts set sent_at = %(at)s, tries = tries + 1 where key = %(key)s
