"""One Jinja environment for all rooms: `hiring/shortlist.html` lies in the room's `templates/`."""

from pathlib import Path
from typing import Any, Final

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    pass_context,
)
from jinja2.runtime import Context
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from markupsafe import escape

from passerelle.web import formats
from passerelle.web.assets import asset
from passerelle.web.catalogue import look_up, look_up_plural
from passerelle.web.language import current, fill

_PRODUCT: Final = Path(__file__).parent.parent
_ROOT: Final = _PRODUCT.parent.parent
#: Rooms beside the product whose pages use the same environment.
_DOORS: Final = ("tenants", "lms", "integrations")


def template_folders() -> dict[str, list[Path]]:
    """Room → its folders of templates: those of its inner rooms (`tenants/audit`) as well."""
    rooms = {path.name: path for path in _PRODUCT.iterdir() if path.is_dir()}
    rooms |= {name: _ROOT / name for name in _DOORS}
    found = {
        name: sorted(path.glob("templates")) + sorted(path.glob("*/templates"))
        for name, path in rooms.items()
    }
    return {name: folders for name, folders in found.items() if folders}


@pass_context
def _gettext(context: Context, text: str, **params: Any) -> str:
    return _filled(context, look_up(text, current().locale), params)


@pass_context
def _ngettext(context: Context, singular: str, plural: str, n: int, **params: Any) -> str:
    """`ngettext("%(num)s skill", "%(num)s skills", n)`; `num` is written in the language's
    digits unless the caller gives it."""
    text = look_up_plural(singular, plural, n, current().locale)
    return _filled(context, text, {"num": formats.format_number(n), **params})


def _filled(context: Context, text: str, params: dict[str, Any]) -> str:
    if not context.eval_ctx.autoescape:
        return fill(text, params)
    # No text of the catalogue holds HTML; what fills it may be Markup, and else is escaped too.
    return fill(escape(text), params)


def make_environment() -> Environment:
    """The environment: autoescape always, an unknown variable is an error, no blank lines."""
    folders: dict[str, BaseLoader] = {
        name: FileSystemLoader(paths) for name, paths in template_folders().items()
    }
    environment = Environment(
        loader=PrefixLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(
        gettext=_gettext,
        ngettext=_ngettext,
        asset=asset,
        format_date=formats.format_date,
        format_datetime=formats.format_datetime,
        format_duration=formats.format_duration,
        format_month=formats.format_month,
        format_number=formats.format_number,
        numerals=formats.in_numerals,
    )
    return environment


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """For Litestar: `Litestar(template_config=template_config())`."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(make_environment()))
