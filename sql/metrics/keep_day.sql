-- Moves the boundary of what is kept to the end of a day, if the day agrees. Changes one row or none.
insert into job_places (job, place)
$agreed
on conflict (job) do update set
    place = max(job_places.place, excluded.place),
    updatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
