"""Roll-ups: events counted by hour and day, cut by what dashboards ask for, in Postgres."""
