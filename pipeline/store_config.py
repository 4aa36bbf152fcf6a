from typing import Literal

from components.settings import Settings


class StoreConfig(Settings):
    type: Literal["sqlite", "mysql", "postgresql"] = "sqlite"
    path: str | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    database: str | None = None
    user: str | None = None
    password_env: str | None = None
