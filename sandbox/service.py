"""What the four platforms have in common: a world, tokens, a clock, and the checks of tokens and accounts.

What does not belong here: how one platform words its answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime

from sandbox.apps import APPS
from sandbox.exchange import RefusedError, Request, Response
from sandbox.faults import Fault, FaultKind, Subject
from sandbox.limits import Limits
from sandbox.tokens import Grant, TokenBook, TokenError, TokenExpiredError, TokenRevokedError
from sandbox.world.entities import Account, Platform
from sandbox.world.series import Series
from sandbox.world.world import World


class Service(ABC):
    """The API of one platform."""

    platform: Platform
    hosts: tuple[str, ...]

    def __init__(self, world: World, tokens: TokenBook, clock: Callable[[], datetime], limits: Limits) -> None:
        self._world = world
        self._series = Series(world)
        self._tokens = tokens
        self._clock = clock
        self._limits = limits

    @abstractmethod
    def subject(self, request: Request) -> Subject:
        """What the request is about. It accepts malformed requests too, because a fault can meet any request."""

    @abstractmethod
    def handle(self, request: Request, fault: Fault | None) -> Response:
        """The answer. Only a fault of pages, values or jobs changes it. Raises RefusedError."""

    @abstractmethod
    def refusal(self, fault: Fault) -> Response:
        """The platform's words for RATE_LIMITED, ERROR_IN_200, ACCOUNT_INACTIVE and TOO_MUCH_DATA."""

    @abstractmethod
    def bad_token(self, problem: type[TokenError]) -> RefusedError:
        """The platform's words for an access token that it does not accept."""

    @abstractmethod
    def unknown_account(self, account_id: str) -> RefusedError:
        """The platform's words for an account that it does not have."""

    def refused(self, fault: Fault) -> Response:
        """The answer to a request that meets a fault of `faults.REFUSALS`."""
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return self.bad_token(TokenExpiredError).response
        if fault.kind is FaultKind.TOKEN_REVOKED:
            return self.bad_token(TokenRevokedError).response
        return self.refusal(fault)

    def _check_token(self, token: str) -> None:
        try:
            self._tokens.check(self.platform, token)
        except TokenError as problem:
            raise self.bad_token(type(problem)) from None

    def _refreshed(self, form: Mapping[str, str]) -> Grant | str:
        """New tokens for the form of an OAuth refresh, or the name of its OAuth error."""
        app = APPS[self.platform]
        if form.get("grant_type") != "refresh_token":
            return "unsupported_grant_type"
        if (form.get("client_id"), form.get("client_secret")) != (app["client_id"], app["client_secret"]):
            return "invalid_client"
        try:
            return self._tokens.refresh(self.platform, form.get("refresh_token", ""))
        except TokenError:
            return "invalid_grant"

    def _account(self, account_id: object) -> Account:
        try:
            return self._world.account(self.platform, str(account_id))
        except KeyError:
            raise self.unknown_account(str(account_id)) from None
