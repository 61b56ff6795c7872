"""Traces from an event to the Hub and back (000 §14, OPS-1).

The thread is the `traceparent` of the envelope (W3C): the event that lets somebody into a journey hands it to
their row in `cm.work`, that to each request, the Hub to each of its reports. It is carried whether or not anybody
records; spans are made only where `CM_OTLP_ENDPOINT` says where they go. Nothing about a person is in a span.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

MOST = 50
"""People of one batch whose decision gets a span of its own: a batch is thousands, a trace is an example."""
_W3C = TraceContextTextMapPropagator()
_tracer: Tracer | None = None


def configure(process: str, endpoint: str | None) -> None:
    """Send this process's spans to an OTLP/HTTP collector; without an endpoint none are made."""
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider(resource=Resource.create({"service.name": f"campaign-manager-{process}"}))
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))
    )
    use(provider)


def use(provider: TracerProvider | None) -> None:
    """Record by this provider from now on; None: not at all."""
    global _tracer
    _tracer = provider.get_tracer("campaign-manager") if provider is not None else None


def on() -> bool:
    """Whether spans are made; where they are not, nothing may be spent on them."""
    return _tracer is not None


@dataclass
class Spans:
    """Spans of things that happen side by side in one batch; all end together."""

    open: list[Span] = field(default_factory=list)

    def begin(self, name: str, parent: str | None, **said: str | int) -> str | None:
        """A span under `parent` (or the first of a new trace); returns the traceparent to hand on."""
        if _tracer is None:
            return parent
        span = _tracer.start_span(name, context=_context(parent), attributes=dict(said))
        self.open.append(span)
        carried: dict[str, str] = {}
        _W3C.inject(carried, context=set_span_in_context(span))
        return carried.get("traceparent", parent)

    def end(self) -> None:
        for span in self.open:
            span.end()
        self.open.clear()


@contextmanager
def spans() -> Iterator[Spans]:
    """Spans that end with the block, however it ends."""
    mine = Spans()
    try:
        yield mine
    finally:
        mine.end()


def _context(parent: str | None) -> Context:
    return _W3C.extract({"traceparent": parent}, context=Context()) if parent else Context()
