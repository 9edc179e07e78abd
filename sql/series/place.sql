insert into job_places (job, place) values (?1, ?2)
on conflict (job) do update set
    place = excluded.place,
    updatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
