-- One row is a choice of a user before the end of a day, in the list at any time or by a signal before the day.
-- Parameters: app, day (its start), until (its end).
select org_tag, subject_kind, subject, at, source, refuses
from consent.choices
where app = %(app)s and subject_kind = 'user' and at < %(until)s and (source = 'list' or at < %(day)s)
