"""The registered applications that the sandbox's platforms accept. Their ids and secrets are worth nothing elsewhere.

What does not belong here: tokens, which belong to an account (`tokens`).
"""

from sandbox.world.entities import Platform

GOOGLE_MANAGER_ID = "9990000001"
MICROSOFT_CUSTOMER_ID = "251000001"

APPS: dict[Platform, dict[str, str]] = {
    "google": {
        "client_id": "sandbox.apps.googleusercontent.com",
        "client_secret": "sandbox-google-client-secret",
        "developer_token": "sandbox-google-developer-token",
        "login_customer_id": GOOGLE_MANAGER_ID,
    },
    "facebook": {"app_id": "1450000000000001", "app_secret": "sandbox-meta-app-secret"},
    "tiktok": {"app_id": "7200000000000000001", "secret": "sandbox-tiktok-app-secret"},
    "microsoft": {
        "client_id": "00000000-5a4d-b0c5-0000-000000000001",
        "client_secret": "sandbox-microsoft-client-secret",
        "developer_token": "sandbox-microsoft-developer-token",
        "customer_id": MICROSOFT_CUSTOMER_ID,
    },
}
