"""`launch-verify`: verified launches a second, nonce store included, against PyLTI1p3's validator.

One process, pinned to one core (Valkey has the others), measures both sides in turn on the same
tokens; key set and registration are in memory on both. Ours is the product's own path from form to
spent nonce: the sealed state, the key set's holder, every check, and one write to a real Valkey.
The baseline is PyLTI1p3 2.0 as its documentation sets it up (ToolConfDict with `key_set`), with one
HTTP session for all launches; its nonce stands in a dictionary, and nothing is written.
"""

import asyncio
import os
import secrets
import time
from typing import Any

import requests
from pylti1p3.cookie import CookieService
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.request import Request
from pylti1p3.session import SessionService
from pylti1p3.tool_config.dict import ToolConfDict
from redis.asyncio import Redis

from infra.servers.valkey import ValkeyServer
from lms import launch, state
from lms.id_token import read_token
from lms.key_sets import KeySets
from lms.launch import Door, LaunchForm
from lms.model import Deployment, Registration
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import Settings
from tests.benchmarks.harness import Result, Round, compare
from tests.conftest import ROOT
from tests.lms import tokens

LAUNCHES_A_ROUND = 2_000
AT_ONCE = 8
LIMIT_RATIO = 0.8


class Prepared:
    """One launch: what the browser brings back, and in which browser."""

    def __init__(self, door: Door, registration: Registration) -> None:
        self.browser = secrets.token_urlsafe(state.BROWSER_BYTES)
        begun = state.begin(tokens.TENANT_ID, registration.id, self.browser, time.time())
        self.nonce = begun.nonce
        body = tokens.body(begun, exp=int(time.time()) + 3600)
        self.form = LaunchForm(tokens.signed(body), door.seal.seal(begun))


class Ours:
    def __init__(self, door: Door, registration: Registration, launches: list[Prepared]) -> None:
        self._door, self._registration, self._launches = door, registration, launches

    async def round(self, at_once: int = AT_ONCE) -> float:
        """Launches a second."""
        waiting = iter(self._launches)
        started = time.perf_counter()
        await asyncio.gather(*(self._work(waiting) for _ in range(at_once)))
        took_s = time.perf_counter() - started
        spent = await self._door.valkey.keys("lti:nonce:*")
        if len(spent) != len(self._launches):
            raise AssertionError(f"{len(spent)} nonces for {len(self._launches)} launches")
        await self._door.valkey.delete(*spent)
        return len(self._launches) / took_s

    async def _work(self, waiting: Any) -> None:
        for one in waiting:
            now = time.time()
            token = read_token(one.form.id_token)
            begun = self._door.seal.open(one.form.state, one.browser, now)
            await launch.accept(self._door, self._registration, token, begun, now)


class _Request(Request):
    def __init__(self, launched: Prepared) -> None:
        self._parameters = {"id_token": launched.form.id_token, "state": "state"}
        self._session = {f"lti1p3-nonce-{launched.nonce}": True}

    @property
    def session(self) -> dict[str, bool]:
        return self._session

    def is_secure(self) -> bool:
        return True

    def get_param(self, key: str) -> str:
        return self._parameters[key]


class _Cookies(CookieService):
    def get_cookie(self, name: str) -> str | None:
        return "state"

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        return None


class _Launch(MessageLaunch[Any, Any, Any, Any]):
    def _get_request_param(self, key: str) -> str:
        return str(self._request.get_param(key))


class _LaunchWithKeyKept(_Launch):
    """The same with the key's conversion done once: no part of PyLTI1p3, reported beside it."""

    kept: tuple[str, str] | None = None

    def get_public_key(self) -> tuple[str, str]:
        if _LaunchWithKeyKept.kept is None:
            _LaunchWithKeyKept.kept = super().get_public_key()
        return _LaunchWithKeyKept.kept


class Baseline:
    def __init__(self, launches: list[Prepared], kind: type[_Launch] = _Launch) -> None:
        self._launches, self._kind = launches, kind
        self._http = requests.Session()
        tool: Any = {
            "client_id": tokens.CLIENT_ID,
            "auth_login_url": f"{tokens.ISSUER}/authorize",
            "auth_token_url": f"{tokens.ISSUER}/token",
            "key_set": {"keys": [tokens.public_jwk(tokens.KEY, "good")]},
            "deployment_ids": ["deployment-1"],
        }
        self._configuration = ToolConfDict({tokens.ISSUER: [tool]})

    async def round(self) -> float:
        """Launches a second."""
        started = time.perf_counter()
        for one in self._launches:
            request = _Request(one)
            self._kind(
                request,
                self._configuration,
                SessionService(request),
                _Cookies(),
                requests_session=self._http,
            ).validate()
        return len(self._launches) / (time.perf_counter() - started)


async def _key_set(url: str) -> Any:
    return {"keys": [tokens.public_jwk(tokens.KEY, "good")]}


def _registration() -> Registration:
    return Registration(
        id=tokens.REGISTRATION_ID,
        name="An LMS",
        issuer=tokens.ISSUER,
        client_id=tokens.CLIENT_ID,
        authorization_url=f"{tokens.ISSUER}/authorize",
        token_url=f"{tokens.ISSUER}/token",
        jwks_url=f"{tokens.ISSUER}/keys",
        token_audience=None,
        deployments=[Deployment(new_id(), "deployment-1")],
    )


def _settings(valkey_url: str) -> Settings:
    return Settings(
        public_url=tokens.PUBLIC_URL,
        master_key="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        database_url="",
        database_password_web_lookup="",
        valkey_url=valkey_url,
        objects_directory="",
    )


async def _cpu_us(measure: Round) -> float:
    """The processor's time that one launch takes this process, in microseconds."""
    started = time.process_time()
    await measure()
    return round((time.process_time() - started) / LAUNCHES_A_ROUND * 1e6, 1)


async def run() -> Result:
    server = ValkeyServer(ROOT / ".passerelle" / "bench" / "launch-verify")
    server.start()
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    valkey = Redis.from_url(server.url)
    try:
        if before and len(before) > 1:
            os.sched_setaffinity(0, {max(before)})
            os.sched_setaffinity(server.process_id, before - {max(before)})
        settings = _settings(server.url)
        await valkey.flushall()
        # The database is never opened: the registration is at hand, as it is in the baseline.
        door = Door(settings, Database(settings), valkey, KeySets(_key_set))
        registration = _registration()
        launches = [Prepared(door, registration) for _ in range(LAUNCHES_A_ROUND)]
        ours = Ours(door, registration, launches)
        result = await compare(
            bench="launch-verify",
            metric="verified launches",
            unit="1/s",
            ours=ours.round,
            baseline=Baseline(launches).round,
            baseline_name="PyLTI1p3 2.0 validator alone, key set in memory, nothing stored",
            limit=LIMIT_RATIO,
        )
        result.extra = {
            "launches_a_round": LAUNCHES_A_ROUND,
            "at_once": AT_ONCE,
            "ours_one_by_one": round(await ours.round(1), 1),
            "ours_cpu_us": await _cpu_us(ours.round),
            "baseline_cpu_us": await _cpu_us(Baseline(launches).round),
            "baseline_key_kept": round(await Baseline(launches, _LaunchWithKeyKept).round(), 1),
        }
        return result
    finally:
        if before:
            os.sched_setaffinity(0, before)
        await valkey.aclose()
        server.stop()
