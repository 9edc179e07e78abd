-- One row an object of the quarantine of points: key; held_back says why it stays. Its name is the checksum of the object
-- whose refused lines it holds, 64 digits. ?1: JSON array of [key, etag] pairs.
select
    json_extract(listed.value, '$[0]') as key,
    case when exists (
        select 1 from point_quarantine as refused
        where
            instr(json_extract(listed.value, '$[0]'), '.') > 64
            and refused.sha256
            = substr(json_extract(listed.value, '$[0]'), instr(json_extract(listed.value, '$[0]'), '.') - 64, 64)
    ) then 'refused lines in the ledger point to it: clearlift quarantine list' end as held_back
from json_each(?1) as listed
