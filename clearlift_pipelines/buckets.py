"""The buckets that settings name, and the folder that stands for R2 where they name none.

What does not belong here: what a bucket can do (resources/r2), and when it is opened (stores.py).
"""

from clearlift_pipelines.settings import Settings
from clearlift_pipelines.variables import variable_of
from resources.meter import METER
from resources.r2 import Bucket, BucketObjectStore, FolderObjectStore, ObjectStore

OBJECT_STORE = "object store"


def of_r2(settings: Settings) -> ObjectStore:
    """R2: the bucket that is set, else a folder of the home."""
    bucket = settings.r2_bucket
    return (opened(settings, bucket) if bucket else None) or FolderObjectStore(
        settings.made_home() / "r2", count=METER.of(OBJECT_STORE)
    )


def opened(settings: Settings, name: str) -> ObjectStore | None:
    """A bucket that the credentials of R2 open; None where there are none."""
    s = settings
    if not s.r2_access_key_id or not s.r2_secret_access_key:
        return None
    endpoint = s.r2_endpoint or f"https://{s.cloudflare_account_id}.r2.cloudflarestorage.com"
    secret = s.r2_secret_access_key.get_secret_value()
    bucket = Bucket(endpoint=endpoint, name=name, access_key_id=s.r2_access_key_id, secret_access_key=secret)
    setting = variable_of("r2_endpoint" if s.r2_endpoint else "cloudflare_account_id")
    return BucketObjectStore(
        bucket, storage_classes=s.r2_storage_classes, setting=setting, count=METER.of(OBJECT_STORE)
    )


def of_backups(settings: Settings) -> ObjectStore | None:
    """The bucket that is set for backups; None where there is none."""
    s = settings
    if s.backup_bucket is None:
        return None
    if s.backup_access_key_id is None or s.backup_secret_access_key is None or s.backup_endpoint is None:
        bucket = opened(s, s.backup_bucket)
        assert bucket is not None  # settings admit it only beside R2's credentials
        return bucket
    return BucketObjectStore(
        Bucket(
            endpoint=s.backup_endpoint,
            name=s.backup_bucket,
            access_key_id=s.backup_access_key_id,
            secret_access_key=s.backup_secret_access_key.get_secret_value(),
        ),
        storage_classes=s.r2_storage_classes,
        setting=variable_of("backup_endpoint"),
        count=METER.of("backups"),
    )
