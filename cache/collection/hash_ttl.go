package collection

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/asidecache/aside/codec"
)

// fieldTTLs are the servers that know TTLs of fields.
const fieldTTLs = "Redis 7.4 or Valkey 9"

var (
	hashExpireFields  = command{op: "ExpireFields", name: "hpexpire", needs: fieldTTLs}
	hashPersistFields = command{op: "PersistFields", name: "hpersist", needs: fieldTTLs}
	hashFieldTTL      = command{op: "FieldTTL", name: "hpttl", needs: fieldTTLs}
)

var errFieldTTL = errors.New("the TTL of a field has to be at least 1ms: PersistFields takes it away")

// ExpireFields sets a TTL for fields alone. After it they no longer exist: a struct that is
// read then has zero in their places. It returns how many of the fields exist. Jitter does
// not apply. On a server that cannot do this the error is an ErrUnsupported. HPEXPIRE.
func (h *Hash[K, T]) ExpireFields(ctx context.Context, key K, ttl time.Duration, fields ...codec.Field[T]) (n int, err error) {
	return do(ctx, h.expire(key, ttl, fields))
}

// PersistFields removes the TTLs of fields, so that they are kept as long as the hash. It
// returns how many of the fields had one. HPERSIST.
func (h *Hash[K, T]) PersistFields(ctx context.Context, key K, fields ...codec.Field[T]) (n int, err error) {
	return do(ctx, h.persist(key, fields))
}

// FieldTTL returns the remaining TTL of a field, Forever if it has none of its own. ok
// is false if there is no such field. HPTTL.
func (h *Hash[K, T]) FieldTTL(ctx context.Context, key K, field codec.Field[T]) (ttl time.Duration, ok bool, err error) {
	return both(do(ctx, h.fieldTTL(key, field)))
}

func (h *Hash[K, T]) expire(key K, ttl time.Duration, fields []codec.Field[T]) operation[int] {
	valid := ttl >= time.Millisecond
	if valid && len(fields) == 0 {
		return empty[int](h.core, hashExpireFields)
	}
	r := h.write(hashExpireFields, key).arg(ttl.Milliseconds())
	if !valid {
		r.fail(nil, errFieldTTL)
	}
	return h.changeTTLs(r, fields)
}

func (h *Hash[K, T]) persist(key K, fields []codec.Field[T]) operation[int] {
	if len(fields) == 0 {
		return empty[int](h.core, hashPersistFields)
	}
	return h.changeTTLs(h.write(hashPersistFields, key), fields)
}

func (h *Hash[K, T]) changeTTLs(r *request, fields []codec.Field[T]) operation[int] {
	return operation[int]{addFields(h, r.arg("fields").arg(len(fields)), fields), changedTTLs}
}

// changedTTLs counts the answers that say that the TTL of a field was changed. -2 and -1 say
// that there is no field, or no TTL.
func changedTTLs(r *request) (n int, err error) {
	for _, part := range r.parts() {
		if string(part) == "1" {
			n++
		}
	}
	return n, nil
}

func (h *Hash[K, T]) fieldTTL(key K, field codec.Field[T]) operation[Found[time.Duration]] {
	r := h.read(hashFieldTTL, key).arg("fields").arg(1)
	addFields(h, r, []codec.Field[T]{field})
	return operation[Found[time.Duration]]{r, foundTTL}
}

// foundTTL decodes the TTL of a field in milliseconds: -2 for no field, -1 for no TTL.
func foundTTL(r *request) (f Found[time.Duration], err error) {
	ms, err := found(r, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
	switch {
	case err != nil || !ms.OK:
		return f, err
	case ms.Value == -1:
		return Found[time.Duration]{Value: Forever, OK: true}, nil
	case ms.Value >= 0:
		return Found[time.Duration]{Value: time.Duration(ms.Value) * time.Millisecond, OK: true}, nil
	}
	return f, nil
}
