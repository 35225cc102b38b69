package collection

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/store"
)

// fieldTTLs are the servers that know lives of fields.
const fieldTTLs = "Redis 7.4 or Valkey 9"

var errFieldTTL = errors.New("the TTL of a field has to be at least 1ms: PersistFields takes it away")

// ExpireFields gives fields a life of their own, after which they are no more: a struct
// that is read then has zero in their places. It returns how many of the fields are
// there. Jitter does not apply. A server that cannot do this gives an ErrUnsupported.
// HPEXPIRE.
func (h *Hash[K, T]) ExpireFields(ctx context.Context, key K, ttl time.Duration, fields ...codec.Field[T]) (n int, err error) {
	return do(ctx, h.expire(key, ttl, fields))
}

// PersistFields takes the lives of fields away, so that they live as long as the hash.
// It returns how many of the fields had one. HPERSIST.
func (h *Hash[K, T]) PersistFields(ctx context.Context, key K, fields ...codec.Field[T]) (n int, err error) {
	return do(ctx, h.changeLives("PersistFields", "hpersist", key, nil, fields))
}

// FieldTTL returns the remaining life of a field, Forever if it has none of its own. ok
// is false if there is no such field. HPTTL.
func (h *Hash[K, T]) FieldTTL(ctx context.Context, key K, field codec.Field[T]) (ttl time.Duration, ok bool, err error) {
	return both(do(ctx, h.fieldTTL(key, field)))
}

func (h *Hash[K, T]) expire(key K, ttl time.Duration, fields []codec.Field[T]) operation[int] {
	const op = "ExpireFields"
	if ttl < time.Millisecond {
		return impossible[int](h.core.fail(op, h.RedisKey(key), nil, errFieldTTL))
	}
	return h.changeLives(op, "hpexpire", key, []any{ttl.Milliseconds()}, fields)
}

func (h *Hash[K, T]) changeLives(op cache.Op, command string, key K, args []any, fields []codec.Field[T]) operation[int] {
	if err := checkAll(h, op, key, fields); err != nil {
		return impossible[int](err)
	}
	if len(fields) == 0 {
		return operation[int]{core: h.core}
	}
	r, err := h.write(op, key)
	if err == nil {
		r.Command(command, 0, store.Whole)
		for _, arg := range args {
			r.Arg(arg)
		}
		appendFields(r, fields)
	}
	take := func(parts [][]byte) (n int, err error) {
		for _, part := range parts { // 1 for done, -2 and -1 for no field and no life
			if string(part) == "1" {
				n++
			}
		}
		return n, nil
	}
	return operation[int]{core: h.core, op: op, request: r, needs: fieldTTLs, err: err, take: answer(h.core, op, take)}
}

func appendFields[T any](r *store.Request, fields []codec.Field[T]) {
	r.Arg("fields").Arg(len(fields))
	for _, f := range fields {
		r.Arg(f.FieldName())
	}
}

func (h *Hash[K, T]) fieldTTL(key K, field codec.Field[T]) operation[Found[time.Duration]] {
	const op = "FieldTTL"
	fields := []codec.Field[T]{field}
	if err := checkAll(h, op, key, fields); err != nil {
		return impossible[Found[time.Duration]](err)
	}
	r, err := h.read(op, "hpttl", key)
	if err == nil {
		appendFields(r, fields)
	}
	return operation[Found[time.Duration]]{core: h.core, op: op, request: r, needs: fieldTTLs, err: err, take: answer(h.core, op, foundLife)}
}

// foundLife reads the life of a field in milliseconds: -2 for no field, -1 for no life.
func foundLife(parts [][]byte) (f Found[time.Duration], err error) {
	if len(parts) != 1 {
		return f, errAnswer
	}
	if parts[0] == nil {
		return f, nil
	}
	switch ms, err := strconv.ParseInt(string(parts[0]), 10, 64); {
	case err != nil:
		return f, errAnswer
	case ms == -1:
		return Found[time.Duration]{Value: Forever, OK: true}, nil
	case ms >= 0:
		return Found[time.Duration]{Value: time.Duration(ms) * time.Millisecond, OK: true}, nil
	}
	return f, nil
}
