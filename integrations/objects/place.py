"""Where the bytes lie: a folder of this machine, or a bucket of an S3 service.

`PASSERELLE_OBJECTS_URL` is empty for the folder, or `s3://bucket` (`s3://bucket/prefix`). Without
an access key the machine's own identity serves (the environment, an instance's profile).
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from obstore.store import LocalStore, S3Store

from passerelle.kernel.settings import Settings, SettingsError

#: Below `objects_directory`, beside the model artefacts.
FOLDER: Final = "owned"
TIMEOUT: Final = "30s"

Place = LocalStore | S3Store


def open_place(settings: Settings) -> Place:
    """The store of this process. Raises SettingsError for an address that is none."""
    if not settings.objects_url:
        return LocalStore(Path(settings.objects_directory) / FOLDER, mkdir=True)
    parts = urlsplit(settings.objects_url)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise SettingsError(
            f"PASSERELLE_OBJECTS_URL is {settings.objects_url!r}: give s3://bucket or"
            " s3://bucket/prefix, or leave it empty for a folder."
        )
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=_config(settings),
        client_options={
            "timeout": TIMEOUT,
            "connect_timeout": "5s",
            "allow_http": settings.objects_endpoint.startswith("http://"),
        },
        retry_config={"max_retries": 3},
    )


def _config(settings: Settings) -> Any:
    named = {
        "endpoint": settings.objects_endpoint,
        "region": settings.objects_region,
        "access_key_id": settings.objects_access_key_id,
        "secret_access_key": settings.objects_secret_access_key,
    }
    return {name: value for name, value in named.items() if value}
