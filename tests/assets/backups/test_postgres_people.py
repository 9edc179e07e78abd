"""The rows of erased people as a restore of Postgres finds them, by hashes that SQL makes as tombstones are made."""

from assets.apps.personal import ORGANISATION, Subject
from assets.backups.postgres_people import erased_rows, set_secret
from assets.privacy.tombstones import Tombstones, within
from resources.postgres import Postgres


def test_people_of_one_organisation_go_there_alone(postgres: Postgres) -> None:
    people = Tombstones.of(("user", "gone"), within("acme", "user", "only ä there"), (ORGANISATION, "solo"))
    subjects: list[Subject] = [("user", "person"), (ORGANISATION, "org")]  # type: ignore[list-item]
    condition = erased_rows(subjects, people)
    assert condition is not None
    rows = [("acme", "gone"), ("bolt", "gone"), ("acme", "only ä there"), ("bolt", "only ä there"), ("solo", "x")]
    with postgres.connection() as connection:
        set_secret(connection, people)
        connection.execute("create temp table child (org text, person text)")
        connection.cursor().executemany("insert into child values (%s, %s)", [*rows, (None, "only ä there")])
        connection.execute(b"delete from child where " + condition.as_bytes(connection))
        left = connection.execute("select org, person from child order by org").fetchall()
    assert [tuple(row.values()) for row in left] == [("bolt", "only ä there"), (None, "only ä there")]
    assert people.in_table("d1", "users") is people
