"""Who may see the UI: who knows its password, or whom a proxy has let through. Without either, this machine alone.

A password comes by HTTP's Basic method and leaves a cookie, because not every browser sends the password with a
websocket. The cookie is signed with a key that is made of the password, so that every webserver takes it and a new
password ends it. No visitor's name is kept.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto

from starlette.requests import HTTPConnection

from clearlift_pipelines.settings import Settings, SettingsError

COOKIE = "clearlift_ui"
COOKIE_SECONDS = 12 * 3600
PASSWORD_CHARACTERS = 12

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Way(Enum):
    """How a request was let in."""

    NONE = auto()
    OPEN = auto()
    PROXY = auto()
    COOKIE = auto()
    PASSWORD = auto()


class Login:
    """What a visitor has to show. `clock` gives seconds since 1970."""

    def __init__(
        self,
        password: str = "",
        proxy_header: str = "",
        proxies: Sequence[Network] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._password = password.encode()
        self._key = hashlib.scrypt(self._password, salt=COOKIE.encode(), n=2**14, r=8, p=1) if password else b""
        self._proxy_header = proxy_header
        self._proxies = proxies
        self._clock = clock

    @property
    def is_open(self) -> bool:
        """Whether everybody is let in who reaches the port."""
        return not self._password and not self._proxy_header

    @property
    def challenge(self) -> Mapping[str, str]:
        """The headers of a 401: a browser asks for a password where there is one."""
        return {"WWW-Authenticate": 'Basic realm="ClearLift Pipelines", charset="UTF-8"'} if self._password else {}

    def way_in(self, request: HTTPConnection) -> Way:
        """How this request comes in."""
        if self.is_open:
            return Way.OPEN
        if self._proxy_header and request.headers.get(self._proxy_header) and self._from_proxy(request):
            return Way.PROXY
        if self._password and self._is_signed(request.cookies.get(COOKIE, "")):
            return Way.COOKIE
        if self._password and hmac.compare_digest(_password_in(request), self._password):
            return Way.PASSWORD
        return Way.NONE

    def cookie(self, request: HTTPConnection) -> Mapping[str, str]:
        """The header that leaves the cookie with a browser which has shown the password."""
        expires = int(self._clock()) + COOKIE_SECONDS
        # A proxy that ends TLS says so; who says it without TLS only loses the cookie.
        tls = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
        value = f"{COOKIE}={expires}.{self._signature(expires)}; Path=/; Max-Age={COOKIE_SECONDS}"
        return {"Set-Cookie": f"{value}; HttpOnly; SameSite=Strict{'; Secure' if tls else ''}"}

    def _from_proxy(self, request: HTTPConnection) -> bool:
        try:
            address = ipaddress.ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._proxies)

    def _is_signed(self, value: str) -> bool:
        expires, _, signature = value.partition(".")
        if not (expires.isascii() and expires.isdigit() and signature.isascii()):
            return False
        return hmac.compare_digest(signature, self._signature(int(expires))) and int(expires) > self._clock()

    def _signature(self, expires: int) -> str:
        return hmac.new(self._key, str(expires).encode(), hashlib.sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens at, or is called by, this name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def login_for(host: str, settings: Settings) -> Login:
    """What a visitor has to show where the webserver listens at `host`.

    Raises:
        SettingsError: a password that is too short, a proxy that is half configured, or other machines would reach the
            host and nothing is asked of them.
    """
    login = _login_of(settings)
    if login.is_open and not is_loopback(host):
        raise SettingsError(
            f"other machines reach the host {host!r}: set CLEARLIFT_UI_PASSWORD, or CLEARLIFT_UI_PROXY_HEADER and "
            "CLEARLIFT_UI_PROXY_ADDRESS"
        )
    return login


def _login_of(settings: Settings) -> Login:
    password = settings.ui_password.get_secret_value() if settings.ui_password else ""
    if password and len(password) < PASSWORD_CHARACTERS:
        raise SettingsError(f"CLEARLIFT_UI_PASSWORD is shorter than {PASSWORD_CHARACTERS} characters")
    header, addresses = settings.ui_proxy_header or "", settings.ui_proxy_address or ""
    if bool(header) != bool(addresses):
        raise SettingsError("CLEARLIFT_UI_PROXY_HEADER and CLEARLIFT_UI_PROXY_ADDRESS are set together or not at all")
    try:
        proxies = [ipaddress.ip_network(address.strip()) for address in addresses.split(",") if address.strip()]
    except ValueError as error:
        raise SettingsError(f"CLEARLIFT_UI_PROXY_ADDRESS: {error}") from None
    return Login(password, header, proxies)


def _password_in(request: HTTPConnection) -> bytes:
    method, _, given = request.headers.get("authorization", "").partition(" ")
    if method.lower() != "basic":
        return b""
    try:
        return base64.b64decode(given, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
