-- No rows. Notes which state of findings an alert names, one array each: apps, names, subjects, states.
update health.findings
set sent = given.state
from unnest(%(apps)s::text[], %(names)s::text[], %(subjects)s::text[], %(states)s::text[])
    as given (app, name, subject, state)
where (findings.app, findings.name, findings.subject) = (given.app, given.name, given.subject)
