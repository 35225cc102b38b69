package asideotel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

// tracing is a cache whose spans are kept.
type tracing struct {
	*tracetest.SpanRecorder
	tracer oteltrace.Tracer
	users  *cache.Cache[string, string]
	server *cachetest.Server
}

func traced(t *testing.T, cfg cache.Config[string, string], opts ...Option) *tracing {
	t.Helper()
	kept := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(kept))
	caches := new(cache.Registry)
	opts = append(opts, WithTracerProvider(provider), WithMeterProvider(metric.NewMeterProvider()))
	if err := Instrument(caches, opts...); err != nil {
		t.Fatal(err)
	}
	cfg.Name, cfg.TTL, cfg.Registry = "user", time.Minute, caches
	server := cachetest.NewServer(t)
	return &tracing{kept, provider.Tracer("test"), cachetest.NewOn(t, server, cfg), server}
}

// call runs a function in a span.
func (tr *tracing) call(name string, f func(context.Context)) {
	ctx, span := tr.tracer.Start(context.Background(), name)
	defer span.End()
	f(ctx)
}

// span returns the only span of a name that has ended.
func (tr *tracing) span(t *testing.T, name string) trace.ReadOnlySpan {
	t.Helper()
	var found []trace.ReadOnlySpan
	for _, s := range tr.Ended() {
		if s.Name() == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %q have ended, want 1", len(found), name)
	}
	return found[0]
}

func attributes(attrs []attribute.KeyValue) string {
	texts := make([]string, len(attrs))
	for i, a := range attrs {
		texts[i] = fmt.Sprintf("%s=%s", a.Key, a.Value.String())
	}
	return strings.Join(texts, " ")
}

func wantAttributes(t *testing.T, what string, attrs []attribute.KeyValue, wanted string) {
	t.Helper()
	if got := attributes(attrs); got != wanted {
		t.Errorf("%s has %s, want %s", what, got, wanted)
	}
}

// The span of a load is the child of the call that has started it, and the parent of what its
// loader does; the calls that have waited are linked to it.
func TestSpanOfALoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := traced(t, cache.Config[string, string]{})
		load := func(ctx context.Context, _ string) (string, error) {
			_, query := tr.tracer.Start(ctx, "query")
			defer query.End()
			time.Sleep(time.Second)
			return "v", nil
		}
		var calls sync.WaitGroup
		get := func(name string) {
			calls.Go(func() {
				tr.call(name, func(ctx context.Context) { _, _ = tr.users.GetOrSet(ctx, "a", load) })
			})
		}
		get("first")
		synctest.Wait()
		get("second")
		calls.Go(func() {
			tr.call("batch", func(ctx context.Context) {
				_, _ = tr.users.GetOrSetMany(ctx, []string{"a"}, func(context.Context, []string) (map[string]string, error) { return nil, nil })
			})
		})
		calls.Wait()
		get("hit")
		calls.Wait()
		first, loaded, query := tr.span(t, "first"), tr.span(t, "load user"), tr.span(t, "query")
		if loaded.Parent().SpanID() != first.SpanContext().SpanID() || query.Parent().SpanID() != loaded.SpanContext().SpanID() {
			t.Error("the query is not below the load, or that not below the call")
		}
		wantAttributes(t, "the load", loaded.Attributes(), "aside.cache=user aside.load.keys=1 aside.load.background=false aside.load.outcome=ok aside.load.callers=3")
		for _, name := range []string{"second", "batch"} {
			links := tr.span(t, name).Links()
			if len(links) != 1 || links[0].SpanContext.SpanID() != loaded.SpanContext().SpanID() {
				t.Errorf("%s has links %v, want one to the load", name, links)
				continue
			}
			wantAttributes(t, "its link", links[0].Attributes, "aside.cache=user aside.wait.duration=1")
		}
		if len(first.Links())+len(tr.span(t, "hit").Links())+len(loaded.Links()) > 0 {
			t.Error("the first call, the hit or the load has links")
		}
		if n := len(tr.Ended()); n != 6 {
			t.Errorf("%d spans have ended, want 6", n)
		}
	})
}

// A refresh in the background is a trace of its own, linked to the call that has started it.
func TestSpanOfARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := traced(t, cache.Config[string, string]{StaleFor: time.Hour, Jitter: -1})
		load := func(context.Context, string) (string, error) { return "v", nil }
		_, _ = tr.users.GetOrSet(t.Context(), "a", load)
		tr.Reset()
		time.Sleep(61 * time.Second)
		tr.call("stale", func(ctx context.Context) { _, _ = tr.users.GetOrSet(ctx, "a", load) })
		synctest.Wait()
		stale, refresh := tr.span(t, "stale"), tr.span(t, "load user")
		links := refresh.Links()
		if refresh.Parent().IsValid() || len(links) != 1 || links[0].SpanContext.SpanID() != stale.SpanContext().SpanID() {
			t.Errorf("the refresh has the parent %v and links %v", refresh.Parent(), links)
		}
	})
}

// A load that fails, panics or is cancelled has a span that says so, without the key.
func TestSpanOfAFailure(t *testing.T) {
	own := &cache.Error{Op: cache.OpGet, Cache: "order", Key: "order:secret", Kind: cache.ErrRedis, Err: errors.New("refused")}
	for _, tt := range []struct {
		name               string
		load               func(context.Context, string) (string, error)
		opts               []Option
		outcome, kind, say string
	}{
		{"fails", func(context.Context, string) (string, error) { return "", errors.New("no database") }, nil,
			"error", "*errors.errorString", "no database"},
		{"times out", func(context.Context, string) (string, error) {
			return "", fmt.Errorf("query: %w", context.DeadlineExceeded)
		}, nil,
			"error", "timeout", "query: context deadline exceeded"},
		{"fails in another cache", func(context.Context, string) (string, error) { return "", own }, nil,
			"error", "redis", "redis failed"},
		{"fails in another cache, with keys", func(context.Context, string) (string, error) { return "", own }, []Option{WithKeys()},
			"error", "redis", `aside: Get order "order:secret": redis failed: refused`},
		{"panics", func(context.Context, string) (string, error) { panic("oh") }, nil,
			"panic", "panic", "the loader panicked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := traced(t, cache.Config[string, string]{}, tt.opts...)
			func() {
				defer func() { _ = recover() }()
				_, _ = tr.users.GetOrSet(t.Context(), "secret", tt.load)
			}()
			span := tr.span(t, "load user")
			if got := attributes(span.Attributes()); !strings.Contains(got, "aside.load.outcome="+tt.outcome+" ") || !strings.HasSuffix(got, "error.type="+tt.kind) {
				t.Errorf("the span has %s", got)
			}
			if status := span.Status(); status.Code != codes.Error || status.Description != tt.say {
				t.Errorf("the span has the status %v", status)
			}
		})
	}
}

// Keys are in spans when they were asked for, and only then.
func TestKeys(t *testing.T) {
	for _, keys := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var opts []Option
			if keys {
				opts = append(opts, WithKeys())
			}
			tr := traced(t, cache.Config[string, string]{}, opts...)
			load := func(context.Context, string) (string, error) {
				time.Sleep(time.Second)
				return "v", nil
			}
			var calls sync.WaitGroup
			for range 2 {
				calls.Go(func() {
					tr.call("call", func(ctx context.Context) { _, _ = tr.users.GetOrSet(ctx, "secret", load) })
				})
			}
			calls.Wait()
			tr.server.Down()
			tr.call("down", func(ctx context.Context) { _, _ = tr.users.GetOrSet(ctx, "secret", load) })
			all := ""
			for _, s := range tr.Ended() {
				all += attributes(s.Attributes()) + s.Status().Description
				for _, l := range s.Links() {
					all += attributes(l.Attributes)
				}
				for _, e := range s.Events() {
					all += e.Name + attributes(e.Attributes)
				}
			}
			if got := strings.Count(all, `aside.keys=["user:secret"]`); keys && got < 4 || strings.Contains(all, "secret") != keys {
				t.Errorf("WithKeys %v: spans have %s", keys, all)
			}
			if !strings.Contains(all, "aside.erroraside.cache=user aside.operation=GetOrSet error.type=redis") {
				t.Errorf("the failure of Redis is no event: %s", all)
			}
		})
	}
}
