-- Makes the temporary table of choices that come, in the columns of consent.choices without app.
create temporary table incoming_choices on commit drop as
select org_tag, subject_kind, subject, at, source, refuses from consent.choices with no data
