-- One row: the first byte of the segment of the log that begins now; all before it is in whole segments.
select (ceil((pg_switch_wal() - '0/0'::pg_lsn) / segment.bytes) * segment.bytes)::bigint as position
from (select pg_size_bytes(current_setting('wal_segment_size')) as bytes) as segment
