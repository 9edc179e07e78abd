-- Takes a token from the bucket of a service, as a reservation; the one row says in how many seconds it is there.
-- Parameters: key, per_second, burst. The server's clock is the only one, because those of machines differ.
insert into pacing.buckets as b (key, free_at)
values (%(key)s, clock_timestamp() + make_interval(secs => 1 / %(per_second)s::double precision))
on conflict (key) do update set
    free_at = greatest(b.free_at, clock_timestamp()) + make_interval(secs => 1 / %(per_second)s::double precision)
returning greatest(
    extract(epoch from b.free_at - clock_timestamp()) - %(burst)s / %(per_second)s::double precision, 0
)::double precision as wait
