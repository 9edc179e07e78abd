-- Deletes the conversions of a day that the lake does not hold, or holds with other values. Parameters: app, day.
delete from attribution.conversions c
where c.app = %(app)s and c.day = %(day)s
  and not exists (
    select from incoming_conversions i
    where i.org_tag = c.org_tag and i.event = c.event
      and (i.visitor, i.browser, i.at, i.value) is not distinct from (c.visitor, c.browser, c.at, c.value)
  )
