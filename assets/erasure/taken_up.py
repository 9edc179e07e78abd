"""Requests to be erased that our Postgres lost, taken up again from their notes beside the backups.

A Postgres that is restored, or new, does not know what was asked, confirmed or cancelled since its backup. The newer of
note and row holds. What does not belong here: the notes themselves (backups/noted_requests.py), who was erased already
(backups/erased.py).
"""

from assets.apps import App
from assets.backups import noted_requests
from assets.backups.covered import target_of
from assets.backups.erased import opened
from assets.erasure.request import BEGUN, Request
from assets.erasure.requests import Requests
from assets.rooms import Rooms

NOTED = ("waiting", *BEGUN)


def taken_up(rooms: Rooms, app: App) -> int:
    """Take up what notes of an app know better, and note what is not noted with the newest key; how many were taken up.

    Raises:
        TombstonesMissingError: a note does not open.
        TargetError: the place of the backups refuses or does not answer.
    """
    target, requests = target_of(rooms), Requests.of(rooms, app)
    known = {noted_requests.about(request.id): request for request in requests.all()}
    notes, number = noted_requests.newest(target, app.name), 0
    for about, note in notes.items():
        if about not in known or _is_older(known[about], note):
            with opened():
                document = noted_requests.read(target, note)
            number += requests.take_up(document)

    def is_noted(request: Request) -> bool:
        note = notes.get(noted_requests.about(request.id))
        return note is not None and note.key_id == rooms.keyring.newest

    for request in requests.all():
        if request.state in NOTED and not is_noted(request):
            requests.note(request)
    noted_requests.remove_older(target, app.name)
    return number


def _is_older(request: Request, note: noted_requests.Note) -> bool:
    """Whether a note is of a later state than the row. Of one moment, it is what a killed process did not write."""
    if request.changed_at != note.at:
        return request.changed_at < note.at
    return request.is_open and (request.state not in NOTED or not note.is_open)
