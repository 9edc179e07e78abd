-- Deletes notes of pruned sessions. ?1: JSON array of [userId, sessionId] pairs.
delete from pruned_sessions
where (userId, sessionId) in (select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?1))
