-- Records the place ?2 of the job ?1. Changes one row.
insert into job_places (job, place) values (?1, ?2)
on conflict (job) do update set
    place = excluded.place,
    updatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
