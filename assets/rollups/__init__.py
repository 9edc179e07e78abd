"""Roll-ups: an app's events counted by hour, day, week and month, in the cuts that dashboards need, in Postgres."""
