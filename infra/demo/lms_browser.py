"""A browser's part in a launch, without a browser: forms are sent, cookies kept, as it would.

One client (`infra.demo.sign_in.browser`) goes to the LMS and to the tool, as one browser does.
"""

import httpx

from infra.demo.sign_in import Form, form_of


class LaunchFailed(Exception):
    """A step of the launch was refused; the message says which, and what the page said."""


async def begin(browser: httpx.AsyncClient, lms_url: str, **query: str) -> Form:
    """Third-party login, then the platform's authorization: the form that carries the token.

    `query` names `user`, `link` and, where the LMS has several tools, `client`.
    """
    initiated = await browser.get(f"{lms_url}/initiate", params=query, follow_redirects=False)
    address = _redirect(initiated, "the LMS did not begin the login")
    login = await browser.get(address, follow_redirects=False)
    authorized = await browser.get(_redirect(login, "the tool refused the login"))
    form = form_of(authorized)
    if authorized.status_code != 200 or form is None:
        raise LaunchFailed(f"the LMS refused: {authorized.status_code} {authorized.text[:300]}")
    return form


async def finish(browser: httpx.AsyncClient, form: Form) -> str:
    """Brings the token to the tool; returns the address to open, its session in the jar."""
    launched = await browser.post(form.action, data=form.fields, follow_redirects=False)
    return _redirect(launched, "the tool refused the launch")


async def launch(browser: httpx.AsyncClient, lms_url: str, **query: str) -> str:
    """A whole launch; returns the address that the tool opens. Raises LaunchFailed."""
    return await finish(browser, await begin(browser, lms_url, **query))


def _redirect(reply: httpx.Response, failure: str) -> str:
    if reply.status_code not in (302, 303):
        raise LaunchFailed(f"{failure}: {reply.status_code} {reply.text[:1500]}")
    return str(reply.headers["location"])
