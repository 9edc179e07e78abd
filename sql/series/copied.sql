-- Records ?2 (a key as a JSON array, or NULL) as the key up to which the folding month ?1 is copied.
update partitions
set
    copiedTo = ?2,
    updatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
where name = ?1 and state = 'folding'
