"""Cursors of lists that are read page by page. Google calls them page tokens.

What does not belong here: lists with numbered pages (`tiktok`).
"""

import base64
import json
from dataclasses import asdict, dataclass, replace

from sandbox.faults import PAGING, Fault, FaultKind


@dataclass(frozen=True, slots=True)
class Cursor:
    """The page that begins at row `start` (from 0) and is number `page` (from 1) of its list.

    `query` names the request that the list answers. `at` is the ISO 8601 time that every page of the list shows.
    """

    query: str
    start: int
    page: int
    at: str

    def text(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(list(asdict(self).values())).encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Raises ValueError for a text that is no cursor."""
        try:
            return cls(*json.loads(base64.urlsafe_b64decode(text)))
        except TypeError as error:
            raise ValueError(str(error)) from None

    def following(self, start: int | None, fault: Fault | None) -> "Cursor | None":
        """The next page, which begins at row `start`. None: there is no next page.

        A fault makes the next page the same page again (DOUBLED_PAGE), or gives this very cursor (REPEATED_CURSOR).
        """
        if fault is not None and fault.kind in PAGING:
            return self if fault.kind is FaultKind.REPEATED_CURSOR else replace(self, page=self.page + 1)
        return None if start is None else replace(self, start=start, page=self.page + 1)
