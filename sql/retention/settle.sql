-- Records how many rows and bytes of a record (id) were deleted (rows, bytes, at). A second time changes nothing.
update retention.deletions
set rows = %(rows)s,
    bytes = %(bytes)s,
    settled_at = %(at)s
where id = %(id)s and settled_at is null
