-- Records the key at which the listing of the app's media ended. Changes one row. Parameters: app, after (that key),
-- at.
insert into media.listings (app, after_key, listed_at)
values (%(app)s, %(after)s, %(at)s)
on conflict (app) do update set after_key = excluded.after_key, listed_at = excluded.listed_at
