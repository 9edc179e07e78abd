update partitions
set
    copiedTo = ?2,
    updatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
where name = ?1 and state = 'folding'
