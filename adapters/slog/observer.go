package asideslog

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/asidecache/aside/cache"
)

// An Option changes what Observer logs.
type Option func(*logger)

// Every sets how often a kind of record of a cache is logged at most. Default 1 s; 0: always.
func Every(d time.Duration) Option { return func(l *logger) { l.limit.every = d } }

// WithoutKeys leaves Redis keys out, for services whose keys say more than a log may: of errors the
// kind alone is logged then, as their text has the key.
func WithoutKeys() Option { return func(l *logger) { l.withoutKeys = true } }

// Observer returns an observer that logs:
//
//   - Error: a panic of a loader; a breaker that opens; so many undelivered deletes that no key is
//     cached, and deletes that are given up
//   - Warn: a load that fails; a failure of Redis; a broken entry; a load that could not be stored;
//     a near cache that Redis ceases to tell of writes; an entry that an audit finds different from
//     its source, and that nobody has invalidated
//   - Info: a breaker that closes; a near cache that Redis tells of writes; keys that are cached
//     again; a key that has become hot
//   - Debug: a load that a write has overtaken; a lookup that found an entry of another schema
//
// Hits and misses are not logged. It is for the caches of a Registry, or of a Config each.
func Observer(to *slog.Logger, opts ...Option) cache.Observer {
	l := &logger{to: to, limit: limit{every: time.Second}}
	for _, opt := range opts {
		opt(l)
	}
	return cache.Observer{
		Lookup: l.lookup, Load: l.load, Write: l.write, Error: l.err,
		Breaker: l.breaker, Near: l.near, Delivery: l.delivery, Hot: l.hot, Audit: l.audit,
	}
}

type logger struct {
	to          *slog.Logger
	limit       limit
	withoutKeys bool
}

func (l *logger) lookup(ctx context.Context, e cache.LookupEvent) {
	if e.Outdated {
		l.log(ctx, slog.LevelDebug, "entry of another schema", e.Cache, l.key(e.Key))
	}
}

func (l *logger) load(ctx context.Context, e cache.LoadEvent) {
	level, message := slog.LevelWarn, "load failed"
	switch e.Outcome {
	case cache.LoadPanicked:
		level, message = slog.LevelError, "loader panicked"
	case cache.LoadFailed:
	default:
		return
	}
	attrs := []slog.Attr{slog.Duration("duration", e.Duration), slog.Int("callers", e.Callers), slog.Int("keys", len(e.Keys)), l.cause(e.Err)}
	if len(e.Keys) == 1 {
		attrs = append(attrs, l.key(e.Keys[0]))
	}
	l.log(ctx, level, message, e.Cache, attrs...)
}

func (l *logger) write(ctx context.Context, e cache.WriteEvent) {
	level, message := slog.LevelWarn, "not stored"
	switch e.Outcome {
	case cache.WriteFenced:
		level, message = slog.LevelDebug, "not stored: overtaken by a write"
	case cache.WriteOutOfMemory, cache.WriteTooLarge, cache.WriteNoPermission, cache.WriteNoScripts, cache.WriteNotEncoded:
	default: // done, or meant so, or told as an error
		return
	}
	attrs := []slog.Attr{slog.String("op", string(e.Op)), l.key(e.Key), slog.String("outcome", e.Outcome.String())}
	if e.Err != nil {
		attrs = append(attrs, l.cause(e.Err))
	}
	l.log(ctx, level, message, e.Cache, attrs...)
}

func (l *logger) err(ctx context.Context, err *cache.Error) {
	level, message := slog.LevelWarn, "cache failed"
	switch {
	case errors.Is(err, cache.ErrPanic):
		level, message = slog.LevelError, "function panicked"
	case errors.Is(err, cache.ErrRedis):
		message = "redis failed"
	case errors.Is(err, cache.ErrDecode):
		message = "broken entry"
	case errors.Is(err, cache.ErrStale):
		message = "stale value returned"
	}
	l.log(ctx, level, message, err.Cache, slog.String("op", string(err.Op)), l.key(err.Key), l.cause(err))
}

func (l *logger) breaker(ctx context.Context, e cache.BreakerEvent) {
	server := slog.Attr{}
	if e.Server != "" {
		server = slog.String("server", e.Server)
	}
	if e.State == cache.BreakerOpen {
		l.log(ctx, slog.LevelError, "breaker opened: redis is not asked", e.Cache, server, l.cause(e.Err))
		return
	}
	l.log(ctx, slog.LevelInfo, "breaker closed: redis is asked again", e.Cache, server, slog.Duration("after", time.Since(e.Since)))
}

func (l *logger) near(ctx context.Context, e cache.NearEvent) {
	switch e.State {
	case cache.NearDisconnected:
		l.log(ctx, slog.LevelWarn, "near cache rests: redis does not tell of writes", e.Cache, l.cause(e.Err))
	case cache.NearConnected:
		l.log(ctx, slog.LevelInfo, "near cache serves: redis tells of writes", e.Cache)
	}
}

func (l *logger) audit(ctx context.Context, e cache.AuditEvent) {
	if e.Result != cache.AuditMissed {
		return
	}
	l.log(ctx, slog.LevelWarn, "nobody has invalidated an entry", e.Cache, l.key(e.Key), slog.Any("fields", e.Fields),
		slog.String("cached", e.Cached.String()), slog.String("loaded", e.Loaded.String()), slog.Bool("repaired", e.Repaired))
}

func (l *logger) hot(ctx context.Context, e cache.HotEvent) {
	l.log(ctx, slog.LevelInfo, "key is hot", e.Cache, l.key(e.Key),
		slog.Float64("share", round(e.Share)), slog.Float64("per_second", math.Round(e.PerSecond)))
}

// round leaves a thousandth: shares are estimates.
func round(share float64) float64 { return math.Round(share*1000) / 1000 }

func (l *logger) delivery(ctx context.Context, e cache.DeliveryEvent) {
	switch e.Outcome {
	case cache.DeliveryGivenUp:
		l.log(ctx, slog.LevelError, "delete given up", e.Cache, l.key(e.Key), slog.Duration("after", e.Duration))
	case cache.BypassBegan:
		l.log(ctx, slog.LevelError, "no key is cached: too many deletes are undelivered", e.Cache)
	case cache.BypassEnded:
		l.log(ctx, slog.LevelInfo, "keys are cached again", e.Cache)
	}
}

// log logs a record, unless one of its kind was logged a moment ago.
func (l *logger) log(ctx context.Context, level slog.Level, message, name string, attrs ...slog.Attr) {
	if !l.to.Enabled(ctx, level) {
		return
	}
	due, left := l.limit.due(kind{name, message}, time.Now())
	if !due {
		return
	}
	all := append([]slog.Attr{slog.String("cache", name)}, attrs...)
	if left > 0 {
		all = append(all, slog.Int("left_out", left))
	}
	l.to.LogAttrs(ctx, level, "aside: "+message, all...)
}

// key is the attribute of a Redis key, if keys may be told.
func (l *logger) key(key string) slog.Attr {
	if l.withoutKeys || key == "" {
		return slog.Attr{}
	}
	return slog.String("key", key)
}

// cause is the attribute of an error: its kind where its text may have a key.
func (l *logger) cause(err error) slog.Attr {
	if own := (*cache.Error)(nil); l.withoutKeys && errors.As(err, &own) {
		if err = own.Kind; err == nil {
			err = errors.New("the call asks for the impossible")
		}
	}
	return slog.Any("err", err)
}
