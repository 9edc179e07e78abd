-- Marks the days whose credits the changed conversions may change: their own, and those of their orders' other events.
-- Parameter: app.
update attribution.windows
set changed = changed + 1
where app = %(app)s and day in (
    select day from changed_conversions
    union
    select c.day
    from changed_conversions h
    join attribution.conversions c on c.app = %(app)s and c.org_tag = h.org_tag and c.order_id = h.order_id
)
