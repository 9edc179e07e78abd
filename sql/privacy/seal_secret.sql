-- One row: a secret (name) that is sealed again (again), if it is still what was read (sealed).
update privacy.secrets
set sealed = %(again)s
where name = %(name)s and sealed = %(sealed)s
