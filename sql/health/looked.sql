-- One row a health check that has looked: app, name and when it did last.
select app, name, looked_at from health.looks
