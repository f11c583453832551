"""What the worker of these tests uses: real servers, and a mailbox that catches every message."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from infra.servers.mail import MailCatcher
from integrations.mail.adapter import SmtpMail
from integrations.objects.adapter import StoredObjects
from passerelle.kernel.database import Database
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.work import Work


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path_factory.mktemp("mail")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where this test's heads are written down."""
    return tmp_path / "anchors"


@pytest.fixture
async def work(
    settings: Settings, database: Database, valkey: Redis, catcher: MailCatcher, folder: Path
) -> AsyncIterator[Work]:
    own = msgspec.structs.replace(
        settings,
        smtp_host="127.0.0.1",
        smtp_port=catcher.smtp_port,
        audit_anchor_directory=str(folder),
    )
    http = GuardedClient(own)
    yield Work(
        settings=own,
        database=database,
        valkey=valkey,
        http=http,
        vault=Vault(own.master_key),
        mail=SmtpMail(own),
        objects=StoredObjects(own),
    )
    await http.close()
