-- One row: a request (app, id) with the keyed hashes of the ids whose rows it leaves (hashes).
update privacy.requests
set exempt_hashes = %(hashes)s::bytea[]
where app = %(app)s and id = %(id)s
