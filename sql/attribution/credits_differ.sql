select exists (
    (select * from incoming_credits except select * from attribution.credits where day = %(day)s)
    union all
    (select * from attribution.credits where day = %(day)s except select * from incoming_credits)
) as differ
