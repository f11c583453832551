"""What `infra.web` takes from here: handlers, middleware, hooks and the template engine."""

from typing import Any

from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from passerelle.kernel.settings import Settings
from passerelle.web import errors, pages, templates
from passerelle.web.assets import static_router
from passerelle.web.language import LanguageMiddleware
from passerelle.web.security import SecurityHeaders


def handlers(settings: Settings) -> list[Any]:
    """The built files, the style guide and the pages that describe problems."""
    return [static_router(), *pages.handlers]


def middleware(settings: Settings) -> list[Any]:
    """The request's language; to stand after the middleware that finds the actor."""
    return [LanguageMiddleware()]


def template_config(settings: Settings) -> TemplateConfig[JinjaTemplateEngine]:
    return templates.template_config()


def exception_handlers() -> dict[int | type[Exception], errors.Handler]:
    return errors.exception_handlers()


def before_send(settings: Settings) -> list[Any]:
    """The security headers of every response."""
    return [SecurityHeaders(settings)]
