package collection

import (
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
)

var (
	hashGet       = command{op: "Get", name: "hmget"}
	hashSet       = command{op: "Set", name: "hset", group: 2}
	hashIncr      = command{op: "Incr", name: "hincrby"}
	hashIncrFloat = command{op: "IncrFloat", name: "hincrbyfloat"}
	hashRemove    = command{op: "Remove", name: "hdel", group: 1}
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
		return fmt.Errorf("the field %q is of another mapping than the collection's: "+
			"make it by hashmap.FieldOf of HashConfig.Mapping", f.FieldName())
	}
	return nil
}

// checkFields fails a request with the errors of fields.
func checkFields[K comparable, T any, F codec.Field[T]](h *Hash[K, T], r *request, fields []F) {
	var failed *ElementsError
	for i, f := range fields {
		if err := h.check(f); err != nil {
			failed = failed.add(i, err)
		}
	}
	r.failElements(nil, failed)
}

// addFields adds the names of fields as arguments.
func addFields[K comparable, T any, F codec.Field[T]](
	h *Hash[K, T], r *request, fields []F,
) *request {
	checkFields(h, r, fields)
	if r.err == nil {
		for _, f := range fields {
			r.arg(f.FieldName())
		}
	}
	return r
}

func (h *Hash[K, T]) get(key K, into []codec.FieldReader[T]) operation[int] {
	if len(into) == 0 {
		return empty[int](h.core, hashGet)
	}
	decode := func(r *request) (found int, err error) {
		if len(r.parts()) != len(into) {
			return 0, r.wrongAnswer()
		}
		var failed *ElementsError
		for i, part := range r.parts() {
			if part == nil {
				into[i].ClearField()
				continue
			}
			found++
			if err := parseField(into[i], part); err != nil {
				failed = failed.add(i, err)
			}
		}
		return found, r.undecoded(failed)
	}
	return operation[int]{addFields(h, h.read(hashGet, key), into), decode}
}

// parseField contains what the field's own methods panic with.
func parseField[T any](into codec.FieldReader[T], src []byte) (err error) {
	defer func() {
		if err != nil {
			into.ClearField()
		}
	}()
	defer keyspace.RecoverCodec(&err)
	return into.ParseField(src)
}

// appendField contains what the field's own methods panic with.
func appendField[T any](dst []byte, f codec.FieldAppender[T]) (b []byte, ok bool, err error) {
	defer keyspace.RecoverCodec(&err)
	return f.AppendField(dst)
}

func (h *Hash[K, T]) set(key K, assigned []codec.FieldAppender[T]) operation[struct{}] {
	if len(assigned) == 0 {
		return empty[struct{}](h.core, hashSet)
	}
	r := h.beginWrite(hashSet, key)
	checkFields(h, r, assigned)
	if r.err == nil {
		assign(r, assigned)
	}
	return operation[struct{}]{r, discard}
}

// assign adds the commands that set fields, or remove those that are stored as none.
func assign[T any](r *request, assigned []codec.FieldAppender[T]) {
	var failed *ElementsError
	var removed []string
	for i, f := range latest(assigned) {
		b, ok, err := appendField(r.redis.Buffer(), f)
		switch {
		case err != nil:
		case !ok:
			removed = append(removed, f.FieldName())
		default:
			if !r.redis.Begun() {
				r.add(hashSet.name, 0, hashSet.group)
			}
			r.arg(f.FieldName())
			err = r.redis.Take(b)
		}
		if err != nil {
			failed = failed.add(i, err)
		}
	}
	r.failElements(cache.ErrEncode, failed)
	if removed != nil {
		r.add(hashRemove.name, 0, hashRemove.group)
		for _, name := range removed {
			r.arg(name)
		}
	}
}

// latest yields the assignments without those of fields that are assigned again later: a
// removal of a field is sent behind all that set one.
func latest[T any](assigned []codec.FieldAppender[T]) iter.Seq2[int, codec.FieldAppender[T]] {
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

func (h *Hash[K, T]) incr(
	cmd command, key K, into codec.FieldReader[T], by any,
) operation[struct{}] {
	decode := func(r *request) (none struct{}, _ error) {
		switch {
		case len(r.parts()) != 1:
			return none, r.wrongAnswer()
		case r.noAnswer():
			into.ClearField()
			return none, nil
		}
		if err := parseField(into, r.parts()[0]); err != nil {
			return none, r.error(cache.ErrDecode, err)
		}
		return none, nil
	}
	r := addFields(h, h.write(cmd, key), []codec.FieldReader[T]{into}).arg(by)
	return operation[struct{}]{r, decode}
}

var errIncrement = errors.New("the increment is NaN or infinite")

func (h *Hash[K, T]) incrFloat(key K, into codec.FieldReader[T], by float64) operation[struct{}] {
	o := h.incr(hashIncrFloat, key, into, scoreText(by))
	if math.IsNaN(by) || math.IsInf(by, 0) {
		o.request.fail(cache.ErrEncode, errIncrement)
	}
	return o
}

func (h *Hash[K, T]) remove(key K, fields []codec.Field[T]) operation[int] {
	if len(fields) == 0 {
		return empty[int](h.core, hashRemove)
	}
	return operation[int]{addFields(h, h.write(hashRemove, key), fields), number}
}
