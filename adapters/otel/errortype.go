package asideotel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/asidecache/aside/cache"
)

// kinds are the values of error.type for the kinds of a *cache.Error, the first that matches.
var kinds = []struct {
	kind error
	name string
}{
	{cache.ErrPanic, "panic"},
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "cancelled"},
	{cache.ErrRedis, "redis"},
	{cache.ErrDecode, "decode"},
	{cache.ErrEncode, "encode"},
	{cache.ErrStale, "stale"},
	{cache.ErrClosed, "closed"},
}

// errorType says of what kind an error is, in few words: for what a loader returns, the type.
func errorType(err error) attribute.KeyValue {
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			return semconv.ErrorTypeKey.String(k.name)
		}
	}
	return semconv.ErrorType(err)
}
