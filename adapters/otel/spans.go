package asideotel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/metrics"
)

// spans makes a span of each load.
type spans struct {
	tracer trace.Tracer
	keys   bool
}

func (s *spans) observer() cache.Observer {
	return cache.Observer{StartLoad: s.start, Load: s.end, Wait: s.wait, Error: s.failed}
}

// spanKey finds, in the context of a load, its span: the current one may be another's.
type spanKey struct{}

func (s *spans) start(ctx context.Context, e cache.LoadStart) context.Context {
	opts := []trace.SpanStartOption{trace.WithAttributes(append(s.keysOf(e.Keys),
		attribute.String("aside.cache", e.Cache),
		attribute.Int("aside.load.keys", len(e.Keys)),
		attribute.Bool("aside.load.background", e.Background),
	)...)}
	if e.Background {
		opts = append(opts, trace.WithNewRoot())
		if link := trace.LinkFromContext(ctx); link.SpanContext.IsValid() {
			opts = append(opts, trace.WithLinks(link))
		}
	}
	ctx, span := s.tracer.Start(ctx, "load "+e.Cache, opts...)
	return context.WithValue(ctx, spanKey{}, span)
}

func (s *spans) end(ctx context.Context, e cache.LoadEvent) {
	span, _ := ctx.Value(spanKey{}).(trace.Span)
	if span == nil { // of a cache that another observer keeps from it
		return
	}
	defer span.End()
	span.SetAttributes(
		attribute.String("aside.load.outcome", metrics.Outcomes[e.Outcome]),
		attribute.Int("aside.load.callers", e.Callers),
	)
	switch e.Outcome {
	case cache.LoadFailed, cache.LoadPanicked, cache.LoadCancelled:
		span.SetAttributes(errorType(e.Err))
		span.SetStatus(codes.Error, s.text(e.Err))
	}
}

// wait links the span of a call to that of the load that it has waited for.
func (s *spans) wait(ctx context.Context, e cache.WaitEvent) {
	load, _ := e.Load.Value(spanKey{}).(trace.Span)
	if load == nil || !load.SpanContext().IsValid() {
		return
	}
	trace.SpanFromContext(ctx).AddLink(trace.Link{
		SpanContext: load.SpanContext(),
		Attributes: append(s.keysOf(e.Keys),
			attribute.String("aside.cache", e.Cache),
			attribute.Float64("aside.wait.duration", e.Duration.Seconds()),
		),
	})
}

// failed tells the call's span of a failure that the cache has survived.
func (s *spans) failed(ctx context.Context, err *cache.Error) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attrs := []attribute.KeyValue{
		attribute.String("aside.cache", err.Cache),
		attribute.String("aside.operation", string(err.Op)),
		errorType(err),
		attribute.String("aside.error", s.text(err)),
	}
	if err.Key != "" {
		attrs = append(attrs, s.keysOf([]string{err.Key})...)
	}
	span.AddEvent("aside.error", trace.WithAttributes(attrs...))
}

// keysOf is the attribute of Redis keys, if it was asked for.
func (s *spans) keysOf(keys []string) []attribute.KeyValue {
	if !s.keys {
		return nil
	}
	return []attribute.KeyValue{attribute.StringSlice("aside.keys", keys)}
}

// text is what an error says: its kind where its text may have a key that was not asked for.
func (s *spans) text(err error) string {
	if own := (*cache.Error)(nil); !s.keys && errors.As(err, &own) {
		if err = own.Kind; err == nil {
			return "the call asks for the impossible"
		}
	}
	return err.Error()
}
