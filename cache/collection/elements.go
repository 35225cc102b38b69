package collection

import (
	"errors"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
)

// elements is a collection of elements, whatever their order.
type elements[K comparable, E any] struct {
	keyed[K]
	value codec.Value[E]
}

// add adds elements as arguments. All are tried, so that the error tells of each that
// cannot be encoded.
func (c *elements[K, E]) add(r *request, elems ...E) *request {
	if r.err != nil {
		return r
	}
	var failed *ElementsError
	for i := range elems {
		if err := c.addOne(r, &elems[i]); err != nil {
			failed = failed.add(i, err)
		}
	}
	r.failElements(cache.ErrEncode, failed)
	return r
}

// addOne adds one element to a request without an error. It contains what the codec panics
// with.
func (c *elements[K, E]) addOne(r *request, e *E) (err error) {
	defer keyspace.RecoverCodec(&err)
	b, err := c.value.AppendValue(r.redis.Buffer(), *e)
	if err != nil {
		return err
	}
	return r.redis.Take(b)
}

// parse decodes one element. Redis is not trusted: a codec that panics over its bytes
// must not end the process.
func (c *elements[K, E]) parse(src []byte, e *E) (err error) {
	defer func() {
		if err != nil {
			var none E
			*e = none
		}
	}()
	defer keyspace.RecoverCodec(&err)
	return c.value.ParseValue(src, e)
}

// several decodes an answer of elements; one that is nothing is no element.
func (c *elements[K, E]) several(r *request) ([]E, error) {
	if r.noAnswer() {
		return nil, nil
	}
	elems, failed := c.parseAll(r.parts())
	return elems, r.undecoded(failed)
}

func (c *elements[K, E]) parseAll(parts [][]byte) (elems []E, failed *ElementsError) {
	if len(parts) == 0 {
		return nil, nil
	}
	elems = make([]E, len(parts))
	for i, part := range parts {
		if err := c.parse(part, &elems[i]); err != nil {
			failed = failed.add(i, err)
		}
	}
	return elems, failed
}

// maybe decodes an answer of one element or nothing.
func (c *elements[K, E]) maybe(r *request) (f Found[E], err error) {
	if len(r.parts()) != 1 {
		return f, r.wrongAnswer()
	}
	if r.noAnswer() {
		return f, nil
	}
	if err := c.parse(r.parts()[0], &f.Value); err != nil {
		return f, r.error(cache.ErrDecode, err)
	}
	f.OK = true
	return f, nil
}

var errCount = errors.New("the number of elements is negative")

// removing begins a write that removes n elements and returns them.
func (c *elements[K, E]) removing(cmd command, key K, n int) *request {
	r := c.write(cmd, key).arg(n)
	if n < 0 {
		r.fail(nil, errCount)
	}
	r.empty = n == 0
	return r
}

// pop is an operation that removes n elements and returns them without scores.
func (c *elements[K, E]) pop(cmd command, key K, n int) operation[[]E] {
	return operation[[]E]{c.removing(cmd, key, n), c.several}
}

// length is an operation that counts the elements.
func (k keyed[K]) length(cmd command, key K) operation[int] {
	return operation[int]{k.read(cmd, key), number}
}
