"""Snapshots and apps for tests, made of catalogue answers or of the simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flask import Flask

from bridge.app import create_app
from bridge.assembly import Parts, Settings, assemble
from bridge.config import Config
from bridge.poller import Poller
from bridge.snapshot import Snapshot, build
from prometheus.queries import Query

SECRET = "a-secret-of-at-least-thirty-two-bytes!"
Answers = Mapping[Query, Mapping[tuple[str, ...], float]]


def snapshot_of(answers: Answers, taken: float = 1000.0) -> Snapshot:
    """A snapshot in which these queries answered and the others gave nothing."""
    return build(taken, {query.name: dict(values) for query, values in answers.items()})


def simulated(config: Config | None = None) -> tuple[Flask, Parts]:
    """An app over the simulation, with one snapshot taken; nothing runs in the background."""
    chosen = replace(
        config or Config(auth="off"), mock=True, metrics_listen="", access_log=False, stale_limit_seconds=86400
    )
    parts = assemble(Settings(chosen))
    poller = next(one for one in parts.workers if isinstance(one, Poller))
    poller.take()
    poller.stop()
    return create_app(parts.services, parts.areas, parts.pages), parts
