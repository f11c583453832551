"""The LMS's few pages: its courses, an activity in its frame, and the grade book."""

from html import escape
from typing import Any
from urllib.parse import urlencode

from infra.demo.lms.book import Content

USERS_SHOWN_LIMIT = 30
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;margin-block:1rem}td,th{border:1px solid #999;padding:.4rem "
    ".8rem;text-align:start}iframe{width:100%;height:80vh;border:1px solid #999}"
)


def home(content: Content) -> str:
    """The courses with a way into each activity, and the grade book."""
    rows = "".join(
        f"<tr><td>{escape(link.context_title)}</td><td>{escape(link.title)}</td>"
        f"<td>{_launcher(content, link.id)}</td></tr>"
        for link in content.links.values()
    )
    return _page(
        "Courses",
        f"<table><tr><th>Course</th><th>Activity</th><th>Open as</th></tr>{rows}</table>"
        f"<h2>Grade book</h2>{_grades(content)}",
    )


def framed(content: Content, query: dict[str, str]) -> str:
    """An activity as the LMS shows it: the tool in a frame of the course's page."""
    link = content.links[query["link"]]
    source = "/initiate?" + urlencode(query)
    return _page(
        link.title, f'<iframe src="{escape(source)}" title="{escape(link.title)}"></iframe>'
    )


def form_post(answer: dict[str, Any]) -> str:
    """The answer to the tool's authorization request, sent by the browser (form_post)."""
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(str(answer[name]))}">'
        for name in ("id_token", "state")
    )
    action = escape(answer["launch_url"])
    return (
        f'<!doctype html><title>…</title><form method="post" action="{action}">'
        f"{fields}<noscript><button>Continue</button></noscript></form>"
        "<script>document.forms[0].submit()</script>"
    )


def _launcher(content: Content, link_id: str) -> str:
    """Whom to be, the newest first, and the button that launches."""
    newest = [*content.users.values()][-USERS_SHOWN_LIMIT:]
    options = "".join(
        f'<option value="{escape(user.id)}">{escape(user.name or user.id)}</option>'
        for user in reversed(newest)
    )
    return (
        f'<form action="/open"><input type="hidden" name="link" value="{escape(link_id)}">'
        f'<select name="user" aria-label="User">{options}</select> <button>Launch</button></form>'
    )


def _grades(content: Content) -> str:
    rows = "".join(
        f"<tr><td>{escape(content.links[link_id].title)}</td>"
        f"<td>{escape(_name(content, user_id))}</td>"
        f"<td>{cell.score_given:g} / {cell.score_maximum:g}</td><td>{cell.written}</td></tr>"
        for link_id, column in content.grades.items()
        for user_id, cell in column.items()
    )
    head = "<tr><th>Activity</th><th>User</th><th>Score</th><th>Times written</th></tr>"
    return f"<table>{head}{rows}</table>"


def _name(content: Content, user_id: str) -> str:
    user = content.users.get(user_id)
    return (user.name if user else None) or user_id


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )
