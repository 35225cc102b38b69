package collection

import (
	"errors"
	"fmt"
	"math"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/store"
)

// check returns the error of a field that the collection cannot use.
func (h *Hash[K, T]) check(f codec.Field[T]) error {
	if f == nil {
		return errors.New("the field is nil")
	}
	if err := f.Check(); err != nil {
		return err
	}
	if f.Codec() != codec.Codec[T](h.mapping) {
		return fmt.Errorf("the field %q is of another mapping than the collection's: make it by hashmap.FieldOf of HashConfig.Mapping", f.FieldName())
	}
	return nil
}

// checkAll checks fields. The error is of a call that asks for the impossible.
func checkAll[K comparable, T any, F codec.Field[T]](h *Hash[K, T], op cache.Op, key K, fields []F) error {
	var failed *ElementsError
	for i, f := range fields {
		if err := h.check(f); err != nil {
			failed = failed.add(i, err)
		}
	}
	if failed == nil {
		return nil
	}
	return h.core.fail(op, h.RedisKey(key), nil, failed)
}

func (h *Hash[K, T]) get(key K, into []codec.FieldReader[T]) operation[int] {
	const op = "Get"
	if err := checkAll(h, op, key, into); err != nil {
		return impossible[int](err)
	}
	if len(into) == 0 {
		return operation[int]{core: h.core}
	}
	r, err := h.read(op, "hmget", key)
	if err == nil {
		for _, f := range into {
			r.Arg(f.FieldName())
		}
	}
	take := func(r *store.Request) (found int, err error) {
		if len(r.Parts) != len(into) {
			return 0, h.core.fail(op, r.Key(), cache.ErrRedis, errAnswer)
		}
		var failed *ElementsError
		for i, part := range r.Parts {
			if part == nil {
				into[i].ClearField()
				continue
			}
			found++
			if err := parseField(into[i], part); err != nil {
				failed = failed.add(i, err)
			}
		}
		return found, h.core.broken(op, r.Key(), failed)
	}
	return operation[int]{core: h.core, op: op, request: r, err: err, take: take}
}

// parseField contains what the field's own methods panic with.
func parseField[T any](into codec.FieldReader[T], src []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = keyspace.CodecPanic(v)
		}
		if err != nil {
			into.ClearField()
		}
	}()
	return into.ParseField(src)
}

// appendField contains what the field's own methods panic with.
func appendField[T any](dst []byte, f codec.FieldAppender[T]) (b []byte, ok bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = keyspace.CodecPanic(v)
		}
	}()
	return f.AppendField(dst)
}

func (h *Hash[K, T]) set(key K, assigned []codec.FieldAppender[T]) operation[struct{}] {
	const op = "Set"
	if err := checkAll(h, op, key, assigned); err != nil {
		return impossible[struct{}](err)
	}
	if len(assigned) == 0 {
		return operation[struct{}]{core: h.core}
	}
	r, err := h.write(op, key)
	if err != nil {
		return impossible[struct{}](err)
	}
	var failed *ElementsError
	var gone []string
	for i, f := range latest(assigned) {
		b, ok, err := appendField(r.Buffer(), f)
		switch {
		case err != nil:
		case !ok:
			gone = append(gone, f.FieldName())
		default:
			if !r.Begun() {
				r.Command("hset", 0, 2)
			}
			r.Arg(f.FieldName())
			err = r.Take(b)
		}
		if err != nil {
			failed = failed.add(i, err)
		}
	}
	if failed != nil {
		return impossible[struct{}](h.core.fail(op, r.Key(), cache.ErrEncode, failed))
	}
	if gone != nil {
		r.Command("hdel", 0, 1)
		for _, name := range gone {
			r.Arg(name)
		}
	}
	return operation[struct{}]{core: h.core, op: op, request: r, take: answer(h.core, op, nothing)}
}

// latest yields the assignments but for those of fields that are assigned again later:
// what removes a field must not come behind what sets it.
func latest[T any](assigned []codec.FieldAppender[T]) func(yield func(int, codec.FieldAppender[T]) bool) {
	return func(yield func(int, codec.FieldAppender[T]) bool) {
		for i, f := range assigned {
			again := false
			for _, later := range assigned[i+1:] {
				again = again || later.FieldName() == f.FieldName()
			}
			if !again && !yield(i, f) {
				return
			}
		}
	}
}

func (h *Hash[K, T]) incr(op cache.Op, command string, key K, into codec.FieldReader[T], by any) operation[struct{}] {
	if err := checkAll(h, op, key, []codec.FieldReader[T]{into}); err != nil {
		return impossible[struct{}](err)
	}
	r, err := h.write(op, key)
	if err == nil {
		r.Command(command, 0, store.Whole).Arg(into.FieldName()).Arg(by)
	}
	take := func(r *store.Request) (none struct{}, _ error) {
		switch {
		case len(r.Parts) != 1:
			return none, h.core.fail(op, r.Key(), cache.ErrRedis, errAnswer)
		case r.Parts[0] == nil:
			into.ClearField()
			return none, nil
		}
		if err := parseField(into, r.Parts[0]); err != nil {
			return none, h.core.fail(op, r.Key(), cache.ErrDecode, err)
		}
		return none, nil
	}
	return operation[struct{}]{core: h.core, op: op, request: r, err: err, take: take}
}

var errIncrement = errors.New("the increment is NaN or infinite")

func (h *Hash[K, T]) incrFloat(key K, into codec.FieldReader[T], by float64) operation[struct{}] {
	const op = "IncrFloat"
	if math.IsNaN(by) || math.IsInf(by, 0) {
		return impossible[struct{}](h.core.fail(op, h.RedisKey(key), cache.ErrEncode, errIncrement))
	}
	return h.incr(op, "hincrbyfloat", key, into, scoreText(by))
}

func (h *Hash[K, T]) remove(key K, fields []codec.Field[T]) operation[int] {
	const op = "Remove"
	if err := checkAll(h, op, key, fields); err != nil {
		return impossible[int](err)
	}
	if len(fields) == 0 {
		return operation[int]{core: h.core}
	}
	r, err := h.write(op, key)
	if err == nil {
		r.Command("hdel", 0, 1)
		for _, f := range fields {
			r.Arg(f.FieldName())
		}
	}
	return operation[int]{core: h.core, op: op, request: r, err: err, take: answer(h.core, op, number)}
}
