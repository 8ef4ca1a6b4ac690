"""Opening a keeper's database: SQLite with a write-ahead log and full sync by default, any SQLAlchemy URL at scale."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from keepers.store.tables import Base


class Database:
    """A transaction at a time; what is committed survives a kill and a power cut."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        if engine.dialect.name == "sqlite":
            _tune(engine)
        Base.metadata.create_all(engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One atomic transaction."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(where: Path | str) -> Database:
    """Open a file (made when it does not exist) or a URL."""
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
        return Database(create_engine(f"sqlite:///{where}"))
    return Database(create_engine(where))


def _tune(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
