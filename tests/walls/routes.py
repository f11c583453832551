"""Every route of the application with its permission, as a table that is committed.

`python -m tests.walls.routes` writes `routes.txt` anew; look at the difference before committing.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from infra.web import create_app
from passerelle.kernel.settings import Settings

TABLE = Path(__file__).with_name("routes.txt")


class RoutePermission(msgspec.Struct, frozen=True, order=True):
    path: str
    method: str
    permission: str

    def line(self) -> str:
        return f"{self.permission:<16} {self.method:<7} {self.path}"


def handlers(app: Litestar) -> Iterator[tuple[HTTPRoute, str, HTTPRouteHandler]]:
    """Every route and method with its handler, but for the framework's answers to OPTIONS."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            raise TypeError(f"{route.path} is no HTTP route: list its inner routes by hand")
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield route, str(method), handler


def permissions(app: Litestar) -> list[RoutePermission]:
    return sorted(
        RoutePermission(route.path, method, str(handler.opt.get("permission")))
        for route, method, handler in handlers(app)
    )


def any_settings() -> Settings:
    """Enough to compose the application; nothing is opened."""
    return Settings(
        public_url="http://localhost:8000",
        master_key="a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        database_url="postgresql://127.0.0.1/none",
        database_password_web_lookup="none",
        valkey_url="redis://127.0.0.1",
        objects_directory="/nowhere",
    )


def table(app: Litestar) -> str:
    return "".join(f"{one.line()}\n" for one in permissions(app))


if __name__ == "__main__":
    TABLE.write_text(table(create_app(any_settings())), encoding="utf-8")
