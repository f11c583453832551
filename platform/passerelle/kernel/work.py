"""What a task, and the test of a setting, may use."""

import msgspec
from redis.asyncio import Redis

from passerelle.kernel.database import Database
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.ports import Mail, Objects
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Opened by the process that does the work, in its own event loop."""

    settings: Settings
    database: Database
    valkey: Redis
    http: GuardedClient
    vault: Vault
    mail: Mail
    objects: Objects
