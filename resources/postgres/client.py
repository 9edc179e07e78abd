"""The client of Postgres: for the embedded server and any DSN, Supabase's direct and pooled ports included.

What belongs here: connections, transactions, locks, running SQL. What does not: bulk transfer (copy.py) and the SQL
itself (sql/).

It works in the same way through a transaction pooler (port 6543): no statement is prepared on the server, every setting
is for one transaction, and locks are transaction locks.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Literal, LiteralString, Self, TypeAlias
from urllib.parse import unquote

import psycopg
import psycopg.sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from resources.counts import counted
from resources.declined import DeclinedError
from resources.redaction import NOTHING, Secrets
from resources.unreachable import UnreachableError, where_to_look

Connection: TypeAlias = psycopg.Connection[DictRow]
Params: TypeAlias = Sequence[Any] | Mapping[str, Any] | None

# A server that runs answers a first connection at once, at any distance.
FIRST_CONNECTION_SECONDS = 5
# Locks and long reads of one process at once: more than any work nests, in all its threads.
MOST_HELD = 32
Use: TypeAlias = Literal["work", "hold"]
# Longer than a run keeps others waiting that goes on, and shorter than the longest time of any job that waits.
LOCK_SECONDS = 600.0

# One round trip in the simple protocol, which a transaction pooler sends to one server as a whole.
OPEN_TRANSACTION = """begin{mode};
select set_config('statement_timeout', {timeout}, true),
    set_config('timezone', 'UTC', true),
    set_config('search_path', coalesce({schema}, current_setting('search_path')), true),
    set_config('role', coalesce({role}, current_setting('role')), true)"""


class PostgresUnreachableError(UnreachableError):
    """No first connection, or no further one in time; the message names host, database and reason."""


class LockHeldError(DeclinedError):
    """Another transaction holds the named lock."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "run this again when the other run has ended, or end that one if it hangs")


class Postgres:
    """A database. Nothing is opened before the first use. `close()`, or a with-block, closes every connection.

    `dsn` is a connection string or URL, or a function that returns one for the first connection. `setting` is the
    variable that it was read from, for errors. Each transaction has the `role`, and `schema` as its search path. A
    statement is cancelled after `statement_timeout` seconds. Database errors are psycopg's own. Their messages have
    SQLSTATE, table, column and constraint, but no values of rows.

    At most `max_connections` transactions work at once; a further one waits `wait_seconds`. Locks and long reads are
    held on connections beside these. So a holder never takes the place of the work that it is held for, and
    one connection is enough for any work.
    """

    def __init__(
        self,
        dsn: str | Callable[[], str],
        role: str | None = None,
        *,
        setting: str | None = None,
        schema: str | None = None,
        statement_timeout: float = 300.0,
        application_name: str = "clearlift",
        max_connections: int = 4,
        wait_seconds: float = 30.0,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        self.role = role
        self.schema = schema
        self._dsn = dsn
        self.setting = setting
        self._secrets = NOTHING  # until the string is read, which is at the first use
        self._statement_timeout_ms = str(int(statement_timeout * 1000))
        self._application_name = application_name
        self._most: Mapping[Use, int] = {"work": max_connections, "hold": MOST_HELD}
        self._wait_seconds = wait_seconds
        self._lock_seconds = lock_seconds
        self._opening = threading.Lock()
        self._pools: dict[Use, ConnectionPool[Connection]] = {}

    @property
    def dsn(self) -> str:
        """The connection string with its password: for other engines, never for a log."""
        return self._dsn if isinstance(self._dsn, str) else self._dsn()

    @property
    def is_open(self) -> bool:
        """Whether it was used since it was made or closed."""
        return bool(self._pools)

    @property
    def address(self) -> str:
        """Host, port and database name, for a log."""
        parts = _parsed(self.dsn)
        where = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
        return secrets_of(self.dsn).hide(where)

    def __repr__(self) -> str:
        # A function is not called, because a repr must not start a server.
        where = self.address if isinstance(self._dsn, str) else "embedded"
        return f"Postgres({where!r}, role={self.role!r}, schema={self.schema!r})"

    def connection(self, *, held: bool = False, one_moment: bool = False) -> AbstractContextManager[Connection]:
        """One transaction on its own connection: committed at the end of the block, rolled back after an error.

        A database error that the block catches is raised at the end, because nothing would be committed. `held`: the
        block itself needs further connections, or it is long. With `one_moment`, which is held too, the transaction
        only reads, and sees the database as it was at its first statement.
        """
        mode: LiteralString = " isolation level repeatable read read only" if one_moment else ""
        return self._transaction("hold" if held or one_moment else "work", mode)

    @contextmanager
    def _transaction(self, use: Use, mode: LiteralString = "") -> Iterator[Connection]:
        pool = self._opened(use)
        with self._row_values_dropped():
            connection = self._begun(pool, mode)
        try:
            with self._row_values_dropped():
                try:
                    yield connection
                    if connection.info.transaction_status == TransactionStatus.INERROR:
                        raise psycopg.errors.InFailedSqlTransaction("a statement of this transaction failed before")
                    connection.commit()
                except BaseException:
                    if not connection.closed:
                        connection.rollback()
                    raise
        finally:
            pool.putconn(connection)

    def fetch(self, sql: str, params: Params = None) -> list[dict[str, Any]]:
        """The rows of one statement, in a transaction of its own."""
        with self.connection() as connection:
            return connection.execute(sql, params).fetchall()

    def execute(self, sql: str, params: Params = None) -> int:
        """Run in a transaction of its own; returns the number of changed rows.

        Without params, there may be several statements; the number is the first one's.
        """
        with self.connection() as connection:
            return max(connection.execute(sql, params).rowcount, 0)

    @contextmanager
    def lock(self, name: str, wait_seconds: float | None = None) -> Iterator[Connection]:
        """An exclusive lock by name among all processes of the database, for the length of the block.

        It waits `wait_seconds` (by default `lock_seconds`; 0: one try), then raises LockHeldError. The transaction of
        the block holds the lock, on a connection beside those of other work: use it for what must commit with the end
        of the block, and `connection` for what must commit before. The server frees a dead process's locks.
        """
        if wait_seconds is None:
            wait_seconds = self._lock_seconds
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        with self.connection(held=True) as connection:
            # Only wait_seconds limits the wait, and this transaction may be idle for a long block.
            connection.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
            try:
                if wait_seconds == 0:
                    taken = connection.execute("select pg_try_advisory_xact_lock(%s) as taken", (key,)).fetchone()
                    if taken is None or not taken["taken"]:
                        raise LockHeldError(f"lock {name!r} is held by another transaction")
                else:
                    timeout_ms = str(max(1, int(wait_seconds * 1000)))
                    connection.execute("select set_config('lock_timeout', %s, true)", (timeout_ms,))
                    connection.execute("select pg_advisory_xact_lock(%s)", (key,))
                    connection.execute("set local lock_timeout = 0")
            except psycopg.errors.LockNotAvailable:
                raise LockHeldError(
                    f"lock {name!r} is still held after {wait_seconds:g} s: another run does the same work"
                ) from None
            # Without parameters: after them the server would keep the statement's snapshot for all of the block, and
            # with it every row that is deleted meanwhile.
            timeout = psycopg.sql.Literal(self._statement_timeout_ms)
            connection.execute(psycopg.sql.SQL("set local statement_timeout = {}").format(timeout))
            yield connection

    def close(self) -> None:
        """Close every connection. The next use opens new ones."""
        with self._opening:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self, use: Use) -> "ConnectionPool[Connection]":
        with self._opening:
            if use not in self._pools:
                parts = _parsed(dsn := self.dsn)
                if not self._pools:
                    self._secrets = secrets_of(dsn)
                    self._reach({"connect_timeout": FIRST_CONNECTION_SECONDS, **parts})
                parts.setdefault("connect_timeout", str(max(2, int(min(10, self._wait_seconds)))))
                parts["application_name"] = self._application_name
                self._pools[use] = ConnectionPool(
                    make_conninfo("", **parts),
                    connection_class=Connection,
                    # _begun opens transactions, together with their settings.
                    kwargs={"prepare_threshold": None, "row_factory": dict_row, "autocommit": True},
                    min_size=0,
                    max_size=self._most[use],
                    timeout=self._wait_seconds,
                    reconnect_timeout=self._wait_seconds,
                    max_idle=60.0,
                    num_workers=1,
                    open=True,
                )
            return self._pools[use]

    def _reach(self, parts: dict[str, Any]) -> None:
        """Report a wrong address at once. The pool would try for a long time and log each try."""
        reason = self._refused(**parts)
        if reason is not None:
            raise PostgresUnreachableError(
                f"Postgres at {self.address}: no connection: {reason}", where_to_look("its server", self.setting)
            )

    def _begun(self, pool: "ConnectionPool[Connection]", mode: LiteralString) -> Connection:
        """A connection with an open transaction. A pooled connection whose server is gone is replaced."""
        begin = psycopg.sql.SQL(OPEN_TRANSACTION).format(
            mode=psycopg.sql.SQL(mode), timeout=self._statement_timeout_ms, schema=self.schema, role=self.role
        )
        for further in reversed(range(pool.max_size + 1)):
            connection = self._taken(pool)
            try:
                connection.execute(begin)
            except psycopg.OperationalError:
                broken = connection.closed
                pool.putconn(connection)
                if not broken or not further:
                    raise
            except BaseException:
                connection.rollback()
                pool.putconn(connection)
                raise
            else:
                return connection
        raise AssertionError("the last try returns or raises")

    def _taken(self, pool: "ConnectionPool[Connection]") -> Connection:
        try:
            return pool.getconn()
        except PoolTimeout:
            pass
        # The pool does not say the reason, so connect once directly.
        reason = self._refused(conninfo=pool.conninfo if isinstance(pool.conninfo, str) else "")
        full = counted(pool.max_size, "connection is in use", "connections are in use")
        raise PostgresUnreachableError(
            f"Postgres at {self.address}: no connection in {self._wait_seconds:g} s: {reason or full}",
            where_to_look("its server", self.setting) if reason else "run this again when other work has ended",
        )

    def _refused(self, **parts: Any) -> str | None:
        """Why no connection is made, in one line; None if one is."""
        try:
            psycopg.connect(**parts).close()
        except psycopg.OperationalError as error:
            return " ".join(self._secrets.hide(str(error)).split())
        return None

    @contextmanager
    def _row_values_dropped(self) -> Iterator[None]:
        """Remove values of rows from errors, and secrets. Postgres repeats rows in DETAIL, CONTEXT and after a data
        error's colon.
        """
        try:
            yield
        except psycopg.Error as error:
            _drop_row_values(error)
            self._secrets.cleaned(error)
            raise


def secrets_of(dsn: str) -> Secrets:
    """The passwords in a connection string."""
    parts = _parsed(dsn)
    found = {str(parts[name]) for name in ("password", "sslpassword") if parts.get(name)}
    if found and "://" in dsn:
        # As it stands there too. Where `@` or `/` in a password is not encoded, libpq takes its end for the host.
        found.add(dsn.partition("://")[2].rpartition("@")[0].partition(":")[2])
    return Secrets([*found, *map(unquote, found)])


def _parsed(dsn: str) -> dict[str, Any]:
    with suppress(psycopg.ProgrammingError):
        return conninfo_to_dict(dsn)
    # libpq's message would repeat the string with its password, and the error must not be chained to it.
    raise ValueError("Postgres: the connection string cannot be read")


def message_of(error: psycopg.Error) -> str:
    """The message of an error without values of rows. Postgres repeats them in DETAIL, CONTEXT and after a data
    error's colon."""
    diagnosis = error.diag
    if not diagnosis.message_primary:
        return " ".join(str(error).split())
    text = diagnosis.message_primary
    if error.sqlstate and error.sqlstate.startswith("22"):
        text = text.split(': "')[0]
    objects = {"table": diagnosis.table_name, "column": diagnosis.column_name, "constraint": diagnosis.constraint_name}
    named = ", ".join(f"{type_} {name}" for type_, name in objects.items() if name)
    return f"{text} (SQLSTATE {error.sqlstate}{'; ' + named if named else ''})"


def _drop_row_values(error: psycopg.Error) -> None:
    if error.diag.message_primary:
        error.args = (message_of(error),)
