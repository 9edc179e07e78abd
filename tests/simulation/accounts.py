"""People of the application ClearLift: they sign in and invite others. Their rows are not archived."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from assets.windows import midnight
from resources.d1 import D1
from sandbox.sample_stores import OWNER
from tests.simulation.accepted import Accepted

SESSION_DAYS, INVITATION_DAYS = 14, 7


@dataclass
class Accounts:
    """Writes to the application's D1, and records what was accepted."""

    seed: int
    d1: D1
    accepted: Accepted

    def act(self, day: date) -> None:
        if random.Random(f"{self.seed} accounts {day}").random() > 0.2:
            return
        at, name = midnight(day) + timedelta(hours=9), f"{day}"
        self.d1.execute(
            "insert into sessions (token, user_id, created_at, expires_at) values (?, ?, ?, ?)",
            [name, OWNER, f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at + timedelta(days=SESSION_DAYS):%Y-%m-%dT%H:%M:%SZ}"],
        )
        self.d1.execute(
            "insert into invitations (id, organization_id, email, token, expires_at, created_at, invited_by)"
            " values (?, 'org-a3f7c2', ?, ?, ?, ?, ?)",
            [
                *(name, f"{name}@sample.example", name),
                *(f"{at + timedelta(days=INVITATION_DAYS):%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%dT%H:%M:%SZ}", OWNER),
            ],
        )
        self.accepted.signed_in[name] = at
