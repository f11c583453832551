"""A candidate without an organisation: registers, proves their address, adds ways in, recovers."""

import asyncio
import base64
import hashlib
import hmac
import re
import struct
import time
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from infra.realm import values_of
from infra.realm.reconcile import Operator, reconcile
from infra.servers.keycloak import KeycloakServer
from infra.servers.mail import MailCatcher
from passerelle.kernel.settings import Settings
from tests.browser import Visit, assert_page_holds, screenshot, visit_page
from tests.browser import browser as browser
from tests.integrations.conftest import PASSWORD, House

pytestmark = pytest.mark.usefixtures("served")
NEW_PASSWORD = "another horse, another staple"
MAIL_LIMIT_S = 15
WAIT_MS = 8_000


@pytest.fixture(scope="module")
async def mailed(
    web_settings: Settings, keycloak: KeycloakServer, catcher: MailCatcher
) -> MailCatcher:
    """Keycloak's mails are caught."""
    here = msgspec.structs.replace(web_settings, smtp_host="127.0.0.1", smtp_port=catcher.smtp_port)
    operator = Operator(keycloak.admin_client_id, keycloak.admin_client_secret)
    await reconcile(keycloak.url, operator, values_of(here))
    return catcher


async def link_mailed_to(catcher: MailCatcher, address: str) -> str:
    """The newest link that Keycloak mailed."""
    deadline = time.monotonic() + MAIL_LIMIT_S
    while time.monotonic() < deadline:
        texts = [mail.text for mail in catcher.messages() if mail.recipients == (address,)]
        if texts and (found := re.search(r"https?://\S+action-token\S+", texts[-1])):
            return found[0]
        await asyncio.sleep(0.1)
    raise AssertionError(f"no mail to {address}")


def code_of(secret: str, now: float) -> str:
    """A time-based one-time code (RFC 6238) of six digits."""
    key = base64.b32decode(secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(now) // 30), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


async def with_authenticator(visit: Visit) -> Any:
    """Gives the page's device a finger that is always recognised (WebAuthn, virtual)."""
    session = await visit.context.new_cdp_session(visit.page)
    await session.send("WebAuthn.enable")
    await session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session


async def register(page: Page, catcher: MailCatcher, address: str) -> None:
    await page.fill("#email", address)
    await page.fill("#firstName", "Khadija")
    await page.fill("#lastName", "El Amrani")
    await screenshot(page, "own-account-register-ar")
    await page.click("[type=submit]")
    await page.wait_for_url("**execution=VERIFY_EMAIL**")
    # The password comes after the proof: nobody takes an address that isn't theirs.
    await page.goto(await link_mailed_to(catcher, address))
    await choose_password(page, PASSWORD)


def part(page: Page, name: str) -> Locator:
    return page.locator("section", has=page.locator(f"#{name}"))


async def choose_password(page: Page, password: str) -> None:
    await page.fill("#password-new", password)
    await page.fill("#password-confirm", password)
    await page.click("[type=submit]")


async def see(visit: Visit, name: str) -> None:
    # What Keycloak's own pages complained of is not ours to judge.
    visit.complaints.clear()
    await visit.page.reload()
    await screenshot(visit.page, name)
    await assert_page_holds(visit)


async def sign_out(page: Page) -> None:
    await page.locator("form[action$='/sign-out'] button").click()
    await page.wait_for_url("**/auth/signed-out**")


async def test_a_candidate_registers_adds_a_passkey_and_signs_in_with_it(
    browser: Browser, mailed: MailCatcher, web_settings: Settings
) -> None:
    address = f"{uuid4().hex[:12]}@example.org"
    visit = await visit_page(browser, f"{web_settings.public_url}/me/sign-in", language="ar")
    page = visit.page
    page.set_default_timeout(WAIT_MS)
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept("My laptop")))
    await with_authenticator(visit)
    await page.click("main a[href*=register]")
    await register(page, mailed, address)
    await page.wait_for_url("**/me")

    await page.goto(f"{web_settings.public_url}/me/security")
    await expect(part(page, "email")).to_contain_text(address)
    await part(page, "passkey").locator("a.button").click()
    await screenshot(page, "own-account-passkey-ar")
    await page.click("#registerWebAuthn")
    await page.wait_for_url("**/me/security?done=success")
    await expect(part(page, "passkey")).to_contain_text("My laptop")
    await see(visit, "own-account-security-ar")

    # No password is asked for: Keycloak's page finds the passkey by itself.
    await sign_out(page)
    await page.goto(f"{web_settings.public_url}/auth/start?next=/me/security")
    await page.wait_for_url("**/me/security")

    # Taken away again, after Keycloak asked once more.
    await part(page, "passkey").locator("li a.button").click()
    await page.click("[type=submit]")
    await page.wait_for_url("**/me/security?done=success")
    await expect(part(page, "passkey")).not_to_contain_text("My laptop")
    await visit.context.close()


async def test_one_time_codes_recovery_codes_and_a_forgotten_password(
    browser: Browser, mailed: MailCatcher, web_settings: Settings, house: House
) -> None:
    visit = await visit_page(
        browser, f"{web_settings.public_url}/me/sign-in", language="fr", phone=True
    )
    page, address = visit.page, house.emails["stranger"]
    page.set_default_timeout(WAIT_MS)
    await page.click("main a.button-primary")
    await page.fill("#username", address)
    await page.click("[name=login]")
    await page.fill("#password", PASSWORD)
    await page.click("[name=login]")
    await page.wait_for_url("**/me")

    await page.goto(f"{web_settings.public_url}/me/security?lang=fr")
    await expect(part(page, "recovery").locator("a.button")).to_have_count(0)
    await see(visit, "own-account-security-fr-phone")
    await part(page, "codes").locator("a.button").click()
    await page.click("#mode-manual")
    secret = await page.locator("#kc-totp-secret-key").inner_text()
    await page.fill("#totp", code_of(secret, time.time()))
    await page.fill("#userLabel", "Téléphone")
    await page.click("#saveTOTPBtn")
    await page.wait_for_url("**/me/security?done=success")
    await expect(part(page, "codes")).to_contain_text("Téléphone")

    await part(page, "recovery").locator("a.button").click()
    await screenshot(page, "own-account-recovery-fr-phone")
    listed = await page.locator("#kc-recovery-codes-list li").all_inner_texts()
    recovery = [re.sub(r"^\s*\d+:\s*|[\s-]", "", text) for text in listed]
    await page.check("#kcRecoveryCodesConfirmationCheck")
    await page.click("#saveRecoveryAuthnCodesBtn")
    await page.wait_for_url("**/me/security?done=success")

    # The phone is gone and the password forgotten: a link by mail, then a code from the list.
    await page.locator(".menu-button").click()
    await sign_out(page)
    await page.goto(f"{web_settings.public_url}/auth/start?next=/me/security")
    await page.fill("#username", address)
    await page.click("[name=login]")
    await page.click("a[href*=reset-credentials]")
    await page.click("[type=submit]")
    await page.goto(await link_mailed_to(mailed, address))
    await choose_password(page, NEW_PASSWORD)
    # The mailbox alone opens nothing: the new password is asked for, then the second factor.
    await page.goto(f"{web_settings.public_url}/auth/start?next=/me/security")
    await page.fill("#username", address)
    await page.click("[name=login]")
    await page.fill("#password", NEW_PASSWORD)
    await page.click("[name=login]")
    await expect(page.locator("#otp")).to_be_visible()
    await screenshot(page, "own-account-code-fr-phone")
    await page.click("#try-another-way")
    await page.locator("li [role=button]").last.click()
    await page.fill("#recoveryCodeInput", recovery[0])
    await page.click("[type=submit]")
    await page.wait_for_url("**/me/security")
    await visit.context.close()
