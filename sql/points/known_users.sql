-- One row per user, of those given (?1, JSON), that the app's table of users has.
select id from $users where id in (select value from json_each(?1))
