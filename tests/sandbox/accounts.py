"""How the tests of the sandbox reach an account of its world: connections, and the true metrics of a range of days.

What does not belong here: requests to one platform (the test module of that platform).
"""

from datetime import date, timedelta

from sandbox.platforms import Connection
from sandbox.server import Sandbox
from sandbox.world.entities import Level, Platform
from sandbox.world.world import DailyRow


def connection_of(sandbox: Sandbox, platform: Platform, index: int = 0) -> Connection:
    """The connection of a platform's account number `index`."""
    return [connection for connection in sandbox.connections() if connection.platform == platform][index]


def true_rows(sandbox: Sandbox, connection: Connection, level: Level, first: date, days: int) -> list[DailyRow]:
    """The world's rows of `days` days from `first` on, as the sandbox's clock shows them."""
    world, now = sandbox.world, sandbox.clock()
    return [
        row
        for offset in range(days)
        for row in world.daily(connection.platform, connection.account_id, level, first + timedelta(days=offset), now)
    ]
