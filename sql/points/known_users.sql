select id from users where id in (select value from json_each(?1))
