"""What the page's scripts do, in a real Chromium: keys, saving, choices, tokens, frames."""

import httpx
from playwright.async_api import Browser, Page, expect

from tests.browser import Visit, visit_page


async def saved(address: str) -> list[dict[str, object]]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{address}/answers")
        found: list[dict[str, object]] = answer.json()
        return found


async def sitting(browser: Browser, address: str) -> Visit:
    return await visit_page(browser, f"{address}/sitting")


async def focused(page: Page) -> str:
    text: str = await page.evaluate("document.activeElement.textContent")
    return " ".join(text.split())


async def test_j_and_k_move_in_a_list_and_stop_at_its_ends(browser: Browser, address: str) -> None:
    visit = await visit_page(browser, f"{address}/styleguide")
    await visit.page.locator("h1").click()
    await visit.page.keyboard.press("j")
    assert "2M-08" in await focused(visit.page)
    for _ in range(3):
        await visit.page.keyboard.press("J")
    assert "9C-77" in await focused(visit.page)
    await visit.page.keyboard.press("k")
    assert "2M-08" in await focused(visit.page)
    await visit.context.close()


async def test_letters_are_no_keys_while_someone_types_or_who_switched_them_off(
    browser: Browser, address: str
) -> None:
    visit = await visit_page(browser, f"{address}/styleguide")
    page = visit.page
    await page.locator("#field-title").fill("")
    await page.keyboard.type("jack")
    assert await page.locator("#field-title").input_value() == "jack"
    await page.get_by_label("Single letters act as keys").uncheck()
    await page.reload()
    await page.locator("h1").click()
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.localName") != "a"
    await visit.context.close()


async def test_the_summary_of_errors_takes_the_focus_and_leads_to_the_field(
    browser: Browser, address: str
) -> None:
    visit = await visit_page(browser, f"{address}/styleguide")
    assert "Something needs mending" in await focused(visit.page)
    await visit.page.get_by_role("link", name="Write why you decide so").click()
    assert await visit.page.evaluate("document.activeElement.id") == "field-reason"
    await visit.context.close()


async def test_dark_stays_dark_from_the_first_drawing_of_the_next_page(
    browser: Browser, address: str
) -> None:
    visit = await visit_page(browser, f"{address}/styleguide")
    await visit.page.get_by_role("radio", name="Dark").check()
    await visit.page.goto(f"{address}/t/region/bar")
    scheme = await visit.page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == "dark"
    await visit.context.close()


async def test_every_request_of_htmx_carries_the_token(browser: Browser, address: str) -> None:
    visit = await visit_page(browser, f"{address}/t/region/bar")
    async with visit.page.expect_response("**/t/region/counted") as answer:
        await visit.page.locator("#count").click()
    response = await answer.value
    # The form's number travels as text, which is not of the right kind: past the token's check.
    assert response.status == 400
    assert await response.request.header_value("x-csrf-token")
    await expect(visit.page.locator("#notices")).to_contain_text("could not read")
    await visit.context.close()


async def test_without_the_token_the_same_request_is_refused(
    browser: Browser, address: str
) -> None:
    visit = await visit_page(browser, f"{address}/t/region/bar")
    await visit.page.evaluate("document.querySelector('meta[name=csrf-token]').remove()")
    async with visit.page.expect_response("**/t/region/counted") as answer:
        await visit.page.locator("#count").click()
    assert (await answer.value).status == 403
    await visit.context.close()


async def test_an_answer_is_saved_as_it_is_given_and_the_newest_stands(
    browser: Browser, address: str
) -> None:
    visit = await sitting(browser, address)
    await visit.page.keyboard.press("b")
    await expect(visit.page.locator("[data-saved]")).to_contain_text("Saved at")
    await visit.page.get_by_label("Later").check()
    await expect(visit.page.locator("[data-saved]")).to_contain_text("Saved at")
    last = (await saved(address))[-1]
    assert (last["letter"], last["later"]) == ("B", True)
    await visit.context.close()


async def test_an_answer_given_without_a_connection_arrives_when_it_is_back(
    browser: Browser, address: str
) -> None:
    visit = await sitting(browser, address)
    await visit.context.set_offline(True)
    await visit.page.get_by_label("First").check()
    await expect(visit.page.locator("[data-saved]")).to_contain_text("Not sent")
    await visit.page.get_by_role("button", name="Next").click()
    assert visit.page.url.endswith("/sitting")
    await expect(visit.page.locator("#notices")).to_contain_text("connection is lost")
    before = len(await saved(address))
    await visit.context.set_offline(False)
    await expect(visit.page.locator("[data-saved]")).to_contain_text("Saved at")
    # The page had counted less than the server holds: sent again, past the newest.
    after = await saved(address)
    assert (len(after), after[-1]["letter"]) == (before + 1, "A")
    await visit.page.get_by_role("button", name="Next").click()
    await expect(visit.page.locator("#paragraph")).to_contain_text("Left with A")
    await visit.context.close()


async def test_an_answer_survives_the_loss_of_its_page(browser: Browser, address: str) -> None:
    visit = await sitting(browser, address)
    await visit.page.route("**/answers", lambda route: route.abort())
    await visit.page.get_by_label("Second").check()
    await expect(visit.page.locator("[data-saved]")).to_contain_text("Not sent")
    await visit.page.close(run_before_unload=False)
    again = await visit.context.new_page()
    await again.goto(f"{address}/sitting")
    await expect(again.get_by_label("Second")).to_be_checked()
    await expect(again.locator("[data-saved]")).to_contain_text("Saved at")
    await visit.context.close()


async def test_times_are_shown_in_the_devices_own_zone(browser: Browser, address: str) -> None:
    context = await browser.new_context(locale="en-GB", timezone_id="Africa/Casablanca")
    page = await context.new_page()
    await page.goto(f"{address}/styleguide")
    moment = page.locator("time[title]").first
    await expect(moment).to_contain_text("10:42")
    assert "09:42 UTC" in (await moment.get_attribute("title") or "")
    await context.close()


FRAMING = """(path) => new Promise((resolve) => {
  addEventListener("message", (event) => resolve(event.data));
  const frame = document.createElement("iframe");
  frame.src = path;
  document.body.append(frame);
  setTimeout(() => resolve(null), 1500);
})"""


async def test_an_lms_that_may_frame_a_page_is_told_its_height(
    browser: Browser, address: str
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{address}/t/region/bar")
    # The test's own page stands in for the LMS: its policy must let it frame.
    await page.route("**/lms", lambda route: route.fulfill(content_type="text/html", body="<p>LMS"))
    await page.goto(f"{address}/lms")
    told = await page.evaluate(FRAMING, f"/framed?by={address}")
    assert told["subject"] == "lti.frameResize"
    assert told["height"] > 200
    assert await page.evaluate(FRAMING, "/framed?by=https://other.example") is None
    await context.close()
