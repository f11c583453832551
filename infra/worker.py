"""The worker process: relay and listeners, put together. Run it with `dramatiq infra.worker`.

Importing this module registers every room's listeners and reads the environment's settings; the
worker's event loop then opens the database and starts the relay.
"""

import asyncio
import concurrent.futures
import os

import dramatiq
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import Middleware
from redis.asyncio import Redis

from infra.lifeline import end_with_parent
from integrations.keycloak import leaving as keycloak_leaving
from integrations.keycloak import notices as keycloak_notices
from integrations.mail import invitations as mail_invitations
from integrations.mail import notice_tasks as mail_notices
from integrations.mail import sign_ups as mail_sign_ups
from integrations.mail import tasks as mail_tasks
from integrations.mail.adapter import SmtpMail
from integrations.objects import tasks as objects_tasks
from integrations.objects.adapter import StoredObjects
from integrations.scim import model as scim_model
from lms import tasks as lms_tasks
from ml import tasks as training_tasks
from ml.serving import tasks as serving_tasks
from passerelle.academy import model as academy_model
from passerelle.credentials import notices as credentials_notices
from passerelle.credentials import tasks as credentials_tasks
from passerelle.exams import tasks as exams_tasks
from passerelle.hiring import model as hiring_model
from passerelle.kernel import clocks
from passerelle.kernel import settings as kernel_settings
from passerelle.kernel.database import Database
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.log import configure, logger
from passerelle.kernel.ports import Mail
from passerelle.kernel.relay import Relay
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.tasks import Work, WorkHolder, create_broker, register_actors
from passerelle.people.notices import tasks as notices_tasks
from tenants.audit import tasks as audit_tasks
from tenants.members import arrivals as members_arrivals
from tenants.members import tasks as members_tasks
from tenants.notices import tasks as tenants_notices
from tenants.organisations import tasks as organisations_tasks
from tenants.plans import tasks as plans_tasks
from tenants.privacy import tasks as privacy_tasks

log = logger(__name__)

START_FAILED = 3

#: Importing a module of tasks registers its listeners and clocks.
LISTENING = (
    audit_tasks,
    organisations_tasks,
    privacy_tasks,
    members_tasks,
    plans_tasks,
    credentials_tasks,
    exams_tasks,
    mail_invitations,
    mail_sign_ups,
    mail_tasks,
    mail_notices,
    credentials_notices,
    keycloak_leaving,
    keycloak_notices,
    notices_tasks,
    tenants_notices,
    objects_tasks,
    lms_tasks,
    training_tasks,
    serving_tasks,
)

#: Importing a room puts on the map what it holds of persons: the worker is who erases it.
HOLDING = (academy_model, hiring_model, members_arrivals, scim_model)


def create_mail(settings: Settings) -> Mail:
    return SmtpMail(settings)


async def open_work(settings: Settings) -> Work:
    """What tasks use, opened in the event loop that runs them."""
    database = Database(settings)
    await database.open("worker")
    return Work(
        settings=settings,
        database=database,
        valkey=Redis.from_url(settings.valkey_url),
        http=GuardedClient(settings),
        vault=Vault(settings.master_key),
        mail=create_mail(settings),
        objects=StoredObjects(settings),
    )


async def close_work(work: Work) -> None:
    await work.http.close()
    await work.valkey.aclose()
    await work.database.close()


class Companion(Middleware):
    """Opens the work and runs relay and clocks for as long as this worker lives."""

    def __init__(self, settings: Settings, holder: WorkHolder) -> None:
        self._settings = settings
        self._holder = holder
        self._stopping = asyncio.Event()
        self._running: concurrent.futures.Future[None] | None = None

    def after_process_boot(self, broker: dramatiq.Broker) -> None:
        end_with_parent()

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        loop = _event_loop()
        try:
            work = asyncio.run_coroutine_threadsafe(open_work(self._settings), loop).result(60)
        except Exception:
            # Dramatiq would go on without us; a worker that can't work must end instead.
            log.critical("the worker could not start", exc_info=True)
            os._exit(START_FAILED)
        self._holder.fill(work)
        relay = Relay(self._settings, work.database, broker, work.valkey)
        self._running = asyncio.run_coroutine_threadsafe(self._run(relay, work), loop)
        log.info("worker is up")

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        if self._running is not None:
            _event_loop().call_soon_threadsafe(self._stopping.set)
            self._running.result(30)

    async def _run(self, relay: Relay, work: Work) -> None:
        await asyncio.gather(
            relay.run(self._stopping),
            *(clocks.run(one, work, self._stopping) for one in clocks.CLOCKS.values()),
        )


def _event_loop() -> asyncio.AbstractEventLoop:
    thread = get_event_loop_thread()
    if thread is None:
        raise RuntimeError("the worker's event loop has not started")
    return thread.loop


def compose(settings: Settings) -> dramatiq.Broker:
    """The broker with its actors, the listeners known, the companion waiting."""
    configure(settings.log_level)
    holder = WorkHolder()
    broker = create_broker(settings)
    register_actors(broker, holder)
    broker.add_middleware(Companion(settings, holder))
    dramatiq.set_broker(broker)
    return broker


broker = compose(kernel_settings.load())
