"""What /metrics tells, and the layer around the application that counts it."""

from __future__ import annotations

import time

from fastapi.responses import Response


class Meters:
    """The counters of one application.

    Parameters
    ----------
    paths : collection of str
        That are told by name; all others are "other".
    """

    def __init__(self, paths):
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.paths = frozenset(paths)
        self.registry = CollectorRegistry()
        self.requests = Counter("homespun_requests", "Requests by path and status", ["path", "status"], registry=self.registry)
        self.seconds = Histogram("homespun_request_seconds", "Seconds of a request", ["path"], registry=self.registry,
                                 buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
        self.rows = Counter("homespun_rows", "Rows predicted", registry=self.registry)
        self.running = Gauge("homespun_requests_running", "Requests that are being answered", registry=self.registry)

    def response(self) -> Response:
        """For GET /metrics."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


class Measured:
    """ASGI middleware that counts each request; `meters` as above."""

    def __init__(self, app, meters: Meters):
        self.app, self.meters = app, meters

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def noted(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.meters.running.inc()
        try:
            await self.app(scope, receive, noted)
        finally:
            self.meters.running.dec()
            path = scope["path"] if scope["path"] in self.meters.paths else "other"
            self.meters.requests.labels(path, str(status)).inc()
            self.meters.seconds.labels(path).observe(time.perf_counter() - begun)
